//! Binds numloom kernels to arrays and runs them block by block on all cores.
