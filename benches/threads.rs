//! What benches beside hand-written loops on several threads share.

/// Threads for the hand-written loops.
pub(crate) fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads can be had")
}

/// Elements of a task of the hand-written loops: 512 KiB of `f64`.
pub(crate) const TASK: usize = 1 << 16;
