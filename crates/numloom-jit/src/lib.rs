//! numloom kernels to machine code: the Cranelift backend and the owner of executable memory.
