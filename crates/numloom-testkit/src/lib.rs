//! Unpublished: corpus loader, expression generators, backend suites and fuzz bodies for numloom's tests.
