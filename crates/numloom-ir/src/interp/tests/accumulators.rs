//! Accumulators that have quick ways: lanes, columns and merges of any values and positions, against one element at a time, bit for bit.

use numloom_data::{DType, Scalar};

use super::called::{few, precedes};
use super::{Random, bytes, same};
use crate::interp::{PlanesMut, combine, take_columns, take_lanes};
use crate::kernel::{AccOp, Accumulator};
use crate::reduce::LANES;

/// A plane for each word.
type State = [Vec<u8>; 4];

/// The bytes of a word.
fn size(acc: Accumulator, word: usize) -> usize {
    if word < acc.words() {
        acc.word_dtype(word).itemsize()
    } else {
        0
    }
}

fn word(acc: Accumulator, state: &State, word: usize, k: usize) -> Scalar {
    let size = size(acc, word);
    Scalar::read(acc.word_dtype(word), &state[word][k * size..][..size])
}

fn set(acc: Accumulator, state: &mut State, k: usize, words: &[Scalar]) {
    for (word, x) in words.iter().enumerate() {
        let size = size(acc, word);
        state[word][k * size..][..size].copy_from_slice(&x.bits().to_le_bytes()[..size]);
    }
}

/// The `k`-th value with that of `words`, of later positions as far as these say nothing else.
fn naive_combine(acc: Accumulator, state: &mut State, k: usize, words: &[Scalar]) {
    let old: Vec<Scalar> = (0..acc.words()).map(|w| word(acc, state, w, k)).collect();
    if acc.op == AccOp::Moments {
        let float = |x: &Scalar| x.as_f64().expect("a float");
        let about_mean = |words: &[Scalar]| {
            let [n, pivot, squares, sum] = [0, 1, 2, 3].map(|w| float(&words[w]));
            if n == 0.0 {
                return (n, 0.0, 0.0);
            }
            let shift = sum / n;
            let m2 = match squares - sum * shift {
                _ if squares > f64::MAX / 2.0 && shift.is_finite() => f64::INFINITY,
                _ if squares > f64::MAX / 2.0 => f64::NAN,
                m2 if m2 < 0.0 => 0.0,
                m2 => m2,
            };
            (n, pivot + shift, m2)
        };
        let (n, mean, m2) = about_mean(&old);
        let (more, x, y) = about_mean(words);
        let (delta, share) = (x - mean, more / (n + more).max(1.0));
        let all = [
            n + more,
            mean + delta * share,
            m2 + y + delta * (delta * (n * share)),
            0.0,
        ];
        return set(acc, state, k, &all.map(Scalar::F64));
    }
    let at = |words: &[Scalar]| words[1].bits() as u64;
    let is_first = at(words) < at(&old) && !precedes(acc.op, &old[0], &words[0]);
    if precedes(acc.op, &words[0], &old[0]) || is_first {
        set(acc, state, k, words);
    }
}

/// The `k`-th value and one more element.
fn naive_take(acc: Accumulator, state: &mut State, k: usize, x: &Scalar, at: u64) {
    if acc.op != AccOp::Moments {
        return naive_combine(acc, state, k, &[x.clone(), Scalar::I64(at.cast_signed())]);
    }
    let words = [0, 1, 2, 3].map(|w| word(acc, state, w, k).as_f64().expect("a float"));
    let [n, pivot, squares, sum] = words;
    let x = x.as_f64().expect("a float");
    let pivot = if n == 0.0 { x } else { pivot };
    let deviation = x - pivot;
    let words = [
        n + 1.0,
        pivot,
        squares + deviation * deviation,
        sum + deviation,
    ];
    set(acc, state, k, &words.map(Scalar::F64));
}

fn scalars(acc: Accumulator, x: &[u8]) -> Vec<Scalar> {
    let elements = x.chunks(acc.dtype.itemsize());
    elements.map(|x| Scalar::read(acc.dtype, x)).collect()
}

/// Whether states are the same: the best one to its last bit, a computed NaN as one value.
fn agree(acc: Accumulator, got: &State, want: &State) -> bool {
    match acc.op {
        AccOp::Moments => (0..4).all(|w| same(DType::F64, &got[w], &want[w])),
        _ => got == want,
    }
}

fn planes(state: &mut State) -> PlanesMut<'_> {
    state.each_mut().map(Vec::as_mut_slice)
}

fn accumulators() -> impl Iterator<Item = Accumulator> {
    let best = [AccOp::ArgMin, AccOp::ArgMax].into_iter().flat_map(|op| {
        let dtypes = DType::ALL_REAL
            .into_iter()
            .filter(move |&dtype| op.takes(dtype));
        dtypes.map(move |dtype| Accumulator { op, dtype })
    });
    let moments = Accumulator {
        op: AccOp::Moments,
        dtype: DType::F64,
    };
    best.chain([moments])
}

/// `n` elements: with and without NaN, with many ties and few, and a run that gets ever better.
fn some(random: &mut Random, acc: Accumulator, n: usize) -> Vec<u8> {
    let dtype = acc.dtype;
    match random.bits() % 5 {
        0 => random.block(dtype, n),
        1 => (0..n).flat_map(|_| few(random, dtype)).collect(),
        2 => {
            let mut x: Vec<u8> = (0..n).flat_map(|_| few(random, dtype)).collect();
            if n > 0 {
                let at = random.bits() as usize % n * dtype.itemsize();
                x[at..at + dtype.itemsize()].copy_from_slice(&random.element(dtype));
            }
            x
        }
        3 => {
            let element = few(random, dtype);
            (0..n).flat_map(|_| element.clone()).collect()
        }
        _ => {
            let down = (0..n as u64).map(|i| match acc.op {
                AccOp::ArgMin => 120 - i.min(240) as i64 / 2,
                _ => i.min(240) as i64 / 2,
            });
            let element = |x: i64| match dtype {
                DType::F32 => bytes(&[x as f32]),
                DType::F64 => bytes(&[x as f64]),
                DType::Bool => vec![u8::from(x > 60)],
                _ => x.to_le_bytes()[..dtype.itemsize()].to_vec(),
            };
            down.flat_map(element).collect()
        }
    }
}

/// `n` values that have seen nothing; or elements from before `position`; or ones from about it, in no order.
fn start(random: &mut Random, acc: Accumulator, n: usize, position: u64) -> State {
    let identity = |word| acc.identity(word).to_le_bytes()[..size(acc, word)].repeat(n);
    let mut state = [0, 1, 2, 3].map(|word| {
        if word < acc.words() {
            identity(word)
        } else {
            vec![]
        }
    });
    let kind = random.bits() % 3;
    for k in 0..if kind == 0 { 0 } else { n } {
        let x = &scalars(acc, &some(random, acc, 1))[0];
        let before = random.bits() % 100;
        let at = match kind {
            1 => position - 1 - before,
            _ => position + 50 - before,
        };
        naive_take(acc, &mut state, k, x, at);
    }
    state
}

/// Positions near the first, and on either side of where the top bit changes.
fn position(random: &mut Random) -> u64 {
    [100, 7000, 1 << 40, (1 << 63) - 300, u64::MAX - 100_000][random.bits() as usize % 5]
}

#[test]
fn lanes_take_elements_as_one_by_one() {
    let mut random = Random(21);
    for acc in accumulators() {
        for n in [
            0, 1, 15, 16, 17, 100, 127, 128, 129, 144, 1024, 1040, 1100, 2500,
        ] {
            for _ in 0..6 {
                let mut position = position(&mut random);
                let mut want = start(&mut random, acc, LANES, position);
                let mut lanes = vec![0; acc.lane_words()];
                for (plane, want) in acc.planes(&mut lanes, LANES).into_iter().zip(&want) {
                    plane.copy_from_slice(want);
                }
                // Several rows, none but the last within a group; or one that was.
                let ragged = random.bits() as usize % LANES * (random.bits() as usize % 2);
                for n in [n / 2 / LANES * LANES + ragged, n] {
                    let x = some(&mut random, acc, n);
                    take_lanes(acc, &mut lanes, &[&x], position);
                    for (i, x) in scalars(acc, &x).iter().enumerate() {
                        naive_take(acc, &mut want, i % LANES, x, position + i as u64);
                    }
                    let got = acc.planes(&mut lanes, LANES).map(|plane| plane.to_vec());
                    assert!(agree(acc, &got, &want), "{acc:?} of {n}: {got:?} {want:?}");
                    position += n as u64;
                }
            }
        }
    }
}

#[test]
fn columns_take_elements_as_one_by_one() {
    let mut random = Random(22);
    for acc in accumulators() {
        for n in [0, 1, 7, 8, 9, 16, 17, 100] {
            for _ in 0..6 {
                let position = position(&mut random);
                let mut got = start(&mut random, acc, n, position);
                let mut want = got.clone();
                for row in 0..9 {
                    let x = some(&mut random, acc, n);
                    take_columns(acc, planes(&mut got), &[&x], position + row);
                    for (k, x) in scalars(acc, &x).iter().enumerate() {
                        naive_take(acc, &mut want, k, x, position + row);
                    }
                    assert!(agree(acc, &got, &want), "{acc:?} of {n}: {got:?} {want:?}");
                }
            }
        }
    }
}

#[test]
fn planes_are_combined_as_one_by_one() {
    let mut random = Random(23);
    for acc in accumulators() {
        for n in [0, 1, 7, 8, 9, 16, 17, 100] {
            for _ in 0..12 {
                let position = position(&mut random);
                let mut got = start(&mut random, acc, n, position);
                let more = start(&mut random, acc, n, position);
                let mut want = got.clone();
                combine(acc, planes(&mut got), more.each_ref().map(Vec::as_slice));
                for k in 0..n {
                    let words = (0..acc.words()).map(|w| word(acc, &more, w, k));
                    naive_combine(acc, &mut want, k, &words.collect::<Vec<_>>());
                }
                assert!(agree(acc, &got, &want), "{acc:?} of {n}: {got:?} {want:?}");
            }
        }
    }
}
