//! Array expressions from strings, compiled to SIMD machine code and run block by block on all cores.
