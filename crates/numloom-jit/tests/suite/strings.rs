//! Block functions of byte strings.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::interp::{Block, Rows};
use numloom_ir::{CallArg, Fault, InputClass, Op};

use crate::build::Build;
use crate::compare::{Data, Nan, assert_same, compile, compilers, execute, interpret};
use crate::values::Numbers;

/// Nothing, one byte, some, as much as is copied at a time, and more.
const WIDTHS: [usize; 6] = [0, 1, 5, 300, 4096, 5000];

/// Strings that are equal, or contain each other, often: of two letters, after many of the first, with padding.
fn strings(width: usize, n: usize, numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(width * n);
    for _ in 0..n {
        let len = width - numbers.below(width.min(4) + 1);
        let same = len.saturating_sub(numbers.below(4));
        let string = (0..width).map(|i| match i {
            _ if i < same => b'a',
            _ if i < len => b"ab\0\xff"[numbers.below(4)],
            _ => 0,
        });
        bytes.extend(string);
    }
    bytes
}

/// How an operand is given.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Block,
    One,
    Constant,
}

#[test]
fn byte_strings_of_all_widths_are_the_interpreters() {
    use Given::{Block, Constant, One};
    let mut numbers = Numbers::new(31);
    let rows = Op::TABLE
        .iter()
        .filter(|row| row.domain.contains(DType::Bytes(1)));
    let mut told_apart = 0;
    for row in rows {
        for (x, y) in [
            (Block, Block),
            (Block, Constant),
            (One, Block),
            (Constant, One),
        ] {
            for width in WIDTHS {
                for other in WIDTHS {
                    let n = if width.max(other) > 5 { 9 } else { 600 };
                    let mut build = Build::new();
                    let mut inputs = Vec::new();
                    let mut arg = |given: Given, width: usize| {
                        let dtype = DType::Bytes(width as u32);
                        let elements = if given == Block { n } else { 1 };
                        let bytes = strings(width, elements, &mut numbers);
                        let class = match given {
                            Block => InputClass::Contiguous,
                            One => InputClass::Scalar,
                            Constant => return CallArg::Bytes(bytes.into()),
                        };
                        inputs.push(bytes);
                        build.input(dtype, class).into()
                    };
                    let args = [arg(x, width), arg(y, other)];
                    let args = args[..row.op.arity()].to_vec();
                    let from = DType::Bytes(if args.len() == 1 { width } else { other } as u32);
                    let to = row.op.result(from).expect("no cast");
                    let out = build.output(to);
                    build.call_on(row.op, from, to, args, out);
                    let kernel = Arc::new(build.finish());
                    let accumulators = vec![];
                    let data = Data {
                        rows: 1,
                        columns: 0,
                        n,
                        inputs,
                        accumulators,
                    };
                    let native = compile(&kernel, &compilers()[0]);
                    let (got, want) = (execute(&native, &data, 1), interpret(&kernel, &data));
                    assert_same(&kernel, Nan::Any, &got, &want, row.mnemonic);
                    told_apart += usize::from(
                        want.outputs[0]
                            .iter()
                            .any(|&byte| byte != want.outputs[0][0]),
                    );
                }
            }
        }
    }
    assert!(
        told_apart > 200,
        "only {told_apart} kernels gave more than one answer"
    );
}

#[test]
fn answers_about_byte_strings_go_on_into_loops() {
    let mut build = Build::new();
    let name = build.input(DType::Bytes(3), InputClass::Contiguous);
    let slot = build.slot(1);
    let needle = CallArg::Bytes((*b"b").into());
    let args = vec![name.into(), needle];
    build.call_on(Op::Contains, DType::Bytes(1), DType::Bool, args, slot);
    let found = build.load(slot, DType::Bool);
    let not = build.apply(Op::Not, &[found]);
    build.out(not);
    let kernel = Arc::new(build.finish());
    for compiler in compilers() {
        let mut out = [7; 3];
        let mut fault = Fault::NONE;
        let block = Block {
            n: 3,
            rows: Rows::ONE,
            index: 0,
            inputs: &[b"ab\0cd\0bcd"],
            outputs: &mut [&mut out],
            accumulators: &mut [],
            fault: &mut fault,
        };
        compile(&kernel, &compiler).run(block).expect("it runs");
        assert_eq!(out, [0, 1, 0]);
    }
}
