//! Byte strings: order, search, length.
//!
//! An element is as many bytes as its dtype is wide. Zeros at its end are padding, as NumPy has it; any other zero is a byte like
//! the rest. So `S2` and `S5` compare, and all that matters is what stands before the padding.

use std::cmp::Ordering;

use memchr::memmem;

use crate::op::Op;

/// An operand of [`eval_bytes`]: byte strings of one width.
///
/// ```
/// use numloom_ir::Op;
/// use numloom_ir::interp::{Strings, eval_bytes};
///
/// let names = Strings::block(b"ada\0bob\0cy\0\0", 4);
/// let mut dst = [0; 3];
/// eval_bytes(Op::Lt, &[names, Strings::one(b"bob")], &mut dst);
/// assert_eq!(dst, [1, 0, 0]);
/// eval_bytes(Op::Contains, &[names, Strings::one(b"b")], &mut dst);
/// assert_eq!(dst, [0, 1, 0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Strings<'a> {
    bytes: &'a [u8],
    width: usize,
    one: bool,
}

impl<'a> Strings<'a> {
    /// As many strings as the block has elements, one after the other.
    pub fn block(bytes: &'a [u8], width: usize) -> Strings<'a> {
        let one = false;
        Strings { bytes, width, one }
    }

    /// One string for all elements.
    pub fn one(bytes: &'a [u8]) -> Strings<'a> {
        let (width, one) = (bytes.len(), true);
        Strings { bytes, width, one }
    }

    /// The string of element `i`, padding included.
    fn get(self, i: usize) -> &'a [u8] {
        if self.one {
            self.bytes
        } else {
            &self.bytes[i * self.width..][..self.width]
        }
    }
}

/// Applies `op` to byte strings: `dst[i] = op(args[0][i], …)`, in the machine's byte order.
///
/// The twin of [`eval`](super::eval()) for operations on [`Domain::BYTES`](crate::Domain::BYTES), whose operands differ in width. None of
/// them faults. Time is linear in the bytes of the operands, searches included.
///
/// # Panics
/// If the operation is not defined on byte strings, or operands are too few, too many or not as long as the result.
pub fn eval_bytes(op: Op, args: &[Strings<'_>], dst: &mut [u8]) {
    assert_eq!(
        args.len(),
        op.arity(),
        "`{op}` takes {} operands",
        op.arity()
    );
    let n = match op {
        Op::StrLen => dst.len() / size_of::<i64>(),
        _ => dst.len(),
    };
    for (i, arg) in args.iter().enumerate() {
        let whole = arg.one || arg.width.checked_mul(n) == Some(arg.bytes.len());
        assert!(whole, "operand {i} of `{op}` is as long as its result");
    }
    #[cfg(feature = "counted")]
    super::counted::count(op, n);
    match (op, args) {
        (Op::Eq, &[x, y]) => compare(dst, x, y, equal),
        (Op::Ne, &[x, y]) => compare(dst, x, y, |x, y| !equal(x, y)),
        (Op::Lt, &[x, y]) => compare(dst, x, y, |x, y| order(x, y).is_lt()),
        (Op::Le, &[x, y]) => compare(dst, x, y, |x, y| order(x, y).is_le()),
        (Op::Gt, &[x, y]) => compare(dst, x, y, |x, y| order(x, y).is_gt()),
        (Op::Ge, &[x, y]) => compare(dst, x, y, |x, y| order(x, y).is_ge()),
        // What is looked for does not end with a zero, so it is not found in the padding.
        (Op::Contains, &[x, y]) if y.one => {
            let finder = memmem::Finder::new(trim(y.bytes));
            compare(dst, x, y, |x, _| finder.find(x).is_some());
        }
        (Op::Contains, &[x, y]) => compare(dst, x, y, |x, y| memmem::find(x, trim(y)).is_some()),
        (Op::StartsWith, &[x, y]) => compare(dst, x, y, |x, y| x.starts_with(trim(y))),
        (Op::EndsWith, &[x, y]) => compare(dst, x, y, |x, y| trim(x).ends_with(trim(y))),
        (Op::StrLen, &[x]) => {
            let (lengths, _) = dst.as_chunks_mut();
            for (i, length) in lengths.iter_mut().enumerate() {
                *length = (trim(x.get(i)).len() as i64).to_ne_bytes();
            }
        }
        _ => panic!("`{op}` is not defined on byte strings"),
    }
}

fn compare(dst: &mut [u8], x: Strings<'_>, y: Strings<'_>, f: impl Fn(&[u8], &[u8]) -> bool) {
    for (i, dst) in dst.iter_mut().enumerate() {
        *dst = u8::from(f(x.get(i), y.get(i)));
    }
}

/// The string without its padding.
fn trim(x: &[u8]) -> &[u8] {
    let end = x.iter().rposition(|&byte| byte != 0);
    &x[..end.map_or(0, |last| last + 1)]
}

/// The bytes that both have, and what is left of the longer one.
fn split<'a>(x: &'a [u8], y: &'a [u8]) -> ([&'a [u8]; 2], [&'a [u8]; 2]) {
    let n = x.len().min(y.len());
    let ((x, after_x), (y, after_y)) = (x.split_at(n), y.split_at(n));
    ([x, y], [after_x, after_y])
}

fn is_padding(rest: &[u8]) -> bool {
    rest.iter().all(|&byte| byte == 0)
}

fn equal(x: &[u8], y: &[u8]) -> bool {
    let ([x, y], rest) = split(x, y);
    x == y && rest.into_iter().all(is_padding)
}

/// Bytes compare as unsigned numbers, and a string goes before those it is the beginning of.
fn order(x: &[u8], y: &[u8]) -> Ordering {
    let ([x, y], [after_x, after_y]) = split(x, y);
    x.cmp(y)
        .then_with(|| is_padding(after_y).cmp(&is_padding(after_x)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the operations mean, on strings without padding.
    fn naive(op: Op, x: &[u8], y: &[u8]) -> bool {
        match op {
            Op::Eq => x == y,
            Op::Ne => x != y,
            Op::Lt => x < y,
            Op::Le => x <= y,
            Op::Gt => x > y,
            Op::Ge => x >= y,
            Op::Contains => y.is_empty() || x.windows(y.len()).any(|part| part == y),
            Op::StartsWith => x.len() >= y.len() && x[..y.len()] == *y,
            Op::EndsWith => x.len() >= y.len() && x[x.len() - y.len()..] == *y,
            _ => unreachable!("{op} answers with a bool"),
        }
    }

    const TESTS: [Op; 9] = [
        Op::Eq,
        Op::Ne,
        Op::Lt,
        Op::Le,
        Op::Gt,
        Op::Ge,
        Op::Contains,
        Op::StartsWith,
        Op::EndsWith,
    ];

    fn one(op: Op, x: &[u8], y: &[u8]) -> bool {
        let mut dst = [7];
        eval_bytes(op, &[Strings::one(x), Strings::one(y)], &mut dst);
        assert!(dst[0] <= 1, "`{op}` gives a bool");
        dst[0] == 1
    }

    #[test]
    fn bytes_compare_as_unsigned_numbers() {
        assert!(one(Op::Lt, b"\x7f", b"\x80"));
        assert!(one(Op::Gt, b"\xff", b"a"));
    }

    #[test]
    fn zeros_within_are_bytes_and_zeros_at_the_end_are_none() {
        assert!(one(Op::Eq, b"ab\0\0", b"ab"));
        assert!(one(Op::Lt, b"ab\0\0", b"ab\0c"));
        assert!(one(Op::Contains, b"ab\0c", b"\0c"));
        assert!(one(Op::Contains, b"ab", b"b\0"));
        assert!(!one(Op::Contains, b"b", b"b\0c"));
        assert!(one(Op::EndsWith, b"ab\0\0", b"b"));
        assert!(one(Op::Eq, b"", b"\0\0"));
        assert!(one(Op::Contains, b"", b"\0"));
    }

    #[test]
    fn lengths_leave_the_padding_out() {
        let mut dst = [0; 24];
        eval_bytes(
            Op::StrLen,
            &[Strings::block(b"ab\0\0\0\0c\0b", 3)],
            &mut dst,
        );
        let (lengths, _) = dst.as_chunks();
        assert_eq!(lengths, [2, 0, 3].map(i64::to_ne_bytes));
    }

    #[test]
    fn strings_of_no_width_are_empty() {
        let mut dst = [7; 2];
        eval_bytes(
            Op::Eq,
            &[Strings::block(b"", 0), Strings::block(b"\0a", 1)],
            &mut dst,
        );
        assert_eq!(dst, [1, 0]);
    }

    #[test]
    #[should_panic(expected = "as long as its result")]
    fn blocks_are_as_long_as_the_result() {
        eval_bytes(
            Op::Eq,
            &[Strings::block(b"abc", 2), Strings::one(b"")],
            &mut [0],
        );
    }

    proptest! {
        #[test]
        fn padding_changes_nothing(
            x in "[ab\0]{0,6}", y in "[ab\0]{0,4}", more in 0usize..3, many in 0usize..70,
        ) {
            for op in TESTS {
                let want = naive(op, trim(x.as_bytes()), trim(y.as_bytes()));
                let mut padded = x.clone().into_bytes();
                padded.resize(padded.len() + many, 0);
                let mut other = y.clone().into_bytes();
                other.resize(other.len() + more, 0);
                prop_assert_eq!(one(op, &padded, &other), want, "{} {:?} {:?}", op, x, y);
                let mut dst = [7; 2];
                let (blocks, others) = (padded.repeat(2), other.repeat(2));
                let args = [Strings::block(&blocks, padded.len()), Strings::block(&others, other.len())];
                eval_bytes(op, &args, &mut dst);
                prop_assert_eq!(dst, [u8::from(want); 2]);
            }
        }
    }
}
