//! Numbers at rest for numloom: dtypes, scalars, shapes, strided views, aligned buffers, memory maps.
