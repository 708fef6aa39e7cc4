//! Empty on purpose: this package holds only its benches.
