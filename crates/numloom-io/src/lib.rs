//! Files and numloom's arrays: .npy and raw binary.
