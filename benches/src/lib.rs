//! What several benches compute in plain Rust.

/// A leaf of the reduction tree: element `i` in lane `i % LANES`, lanes combined by halving.
pub fn leaf<const LANES: usize, T: Copy + Into<f64>>(x: &[T]) -> f64 {
    let mut lanes = [0f64; LANES];
    let mut groups = x.chunks_exact(LANES);
    for group in &mut groups {
        for j in 0..LANES {
            lanes[j] += group[j].into();
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(groups.remainder()) {
        *lane += value.into();
    }
    let mut width = LANES / 2;
    while width > 0 {
        for j in 0..width {
            lanes[j] += lanes[j + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// A plain read: sixteen partial sums, so that the loop is bound by memory.
#[must_use]
pub fn plain_sum(a: &[f64]) -> f64 {
    let mut lanes = [0.0; 16];
    let chunks = a.chunks_exact(16);
    let tail: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    lanes.iter().sum::<f64>() + tail
}
