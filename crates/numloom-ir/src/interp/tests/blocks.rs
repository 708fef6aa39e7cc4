//! What holds for every operation: alignment, length and position change nothing.

use numloom_data::DType;

use super::{Random, apply, every_way, operand, same};
use crate::Isa;
use crate::fault::{Fault, FaultCode};
use crate::interp::{FaultSink, eval};
use crate::op::Op;

/// A copy of a block that starts at an odd address.
struct Odd {
    room: Vec<u8>,
    start: usize,
}

impl Odd {
    fn new(block: &[u8]) -> Odd {
        let mut room = vec![0; block.len() + 1];
        let start = usize::from(room.as_ptr().addr().is_multiple_of(2));
        room[start..][..block.len()].copy_from_slice(block);
        Odd { room, start }
    }

    fn block(&self) -> &[u8] {
        &self.room[self.start..][..self.room.len() - 1]
    }

    fn block_mut(&mut self) -> &mut [u8] {
        let n = self.room.len() - 1;
        &mut self.room[self.start..][..n]
    }
}

#[test]
fn unaligned_blocks_of_any_length_and_single_elements_give_the_same() {
    let mut random = Random(1);
    for (row, from, to) in every_way() {
        let op = row.op;
        for n in (0..=33).chain([64, 65, 200]) {
            let args: Vec<_> = (0..op.arity())
                .map(|i| random.block(operand(row, from, i), n))
                .collect();
            let slices: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
            let (want, fault) = apply(op, from, to, &slices, n);
            assert!(
                !fault.is_some() || op.can_fault(from),
                "{op} {from} {to} faults"
            );
            assert!(
                to != DType::Bool || want.iter().all(|&byte| byte <= 1),
                "{op} {from} {to}"
            );

            let odd: Vec<_> = args.iter().map(|arg| Odd::new(arg)).collect();
            let slices: Vec<_> = odd.iter().map(Odd::block).collect();
            let (mut got, mut odd_fault) = (Odd::new(&vec![0; want.len()]), Fault::NONE);
            let mut faults = FaultSink {
                fault: &mut odd_fault,
                inst: 5,
                index: 1000,
            };
            eval(
                Isa::best(),
                op,
                from,
                to,
                &slices,
                got.block_mut(),
                &mut faults,
            );
            assert!(
                same(to, got.block(), &want),
                "{op} {from} {to}: {n} unaligned"
            );
            assert_eq!(odd_fault, fault, "{op} {from} {to}");

            let mut first = Fault::NONE;
            for (i, want) in want.chunks_exact(to.itemsize()).enumerate() {
                let one: Vec<&[u8]> = (0..op.arity())
                    .map(|k| {
                        let size = operand(row, from, k).itemsize();
                        &args[k][i * size..][..size]
                    })
                    .collect();
                let (got, mut fault) = apply(op, from, to, &one, 1);
                assert!(same(to, &got, want), "{op} {from} {to}: element {i} of {n}");
                fault.index += i as u64;
                first.merge(fault);
            }
            assert_eq!(first, fault, "{op} {from} {to}");
        }
    }
}

#[test]
fn the_list_of_ways_is_as_long_as_the_tables_say() {
    // 12 x 12 casts in 3 modes; operations on 11 dtypes, 10 numbers, 9 kinds of bits, 8 integers or 2 floats.
    let casts = every_way()
        .filter(|(row, ..)| matches!(row.op, Op::Cast(_)))
        .count();
    assert_eq!(casts, 3 * 12 * 12);
    let of = |op: Op| every_way().filter(|(row, ..)| row.op == op).count();
    assert_eq!(
        [Op::Select, Op::Pow, Op::Not, Op::Shl, Op::Sin].map(of),
        [11, 10, 9, 8, 2]
    );
}

#[test]
fn an_earlier_fault_stays() {
    let earlier = Fault {
        code: FaultCode::NegativePower as u32,
        inst: 0,
        index: 1001,
        bits: 3,
    };
    let x = 300i16.to_ne_bytes().repeat(4);
    for (start, stays) in [(1001, true), (1002, true), (1000, false)] {
        let mut fault = earlier;
        let mut faults = FaultSink {
            fault: &mut fault,
            inst: 1,
            index: start,
        };
        let op = Op::Cast(crate::op::CastMode::Checked);
        eval(
            Isa::best(),
            op,
            DType::I16,
            DType::U8,
            &[&x],
            &mut [0; 4],
            &mut faults,
        );
        assert_eq!(fault == earlier, stays, "from {start}");
    }
}

#[test]
#[should_panic(expected = "`sqrt` is not defined on i32")]
fn an_operation_outside_its_domain_is_refused() {
    apply(Op::Sqrt, DType::I32, DType::I32, &[&[0; 4]], 1);
}

#[test]
#[should_panic(expected = "`lt` on i8 gives bool")]
fn a_wrong_result_dtype_is_refused() {
    apply(Op::Lt, DType::I8, DType::I8, &[&[0], &[0]], 1);
}

#[test]
#[should_panic(expected = "operand 1 of `add` is as long as its result")]
fn a_short_operand_is_refused() {
    apply(Op::Add, DType::I16, DType::I16, &[&[0; 6], &[0; 4]], 3);
}
