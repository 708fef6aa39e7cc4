//! Additions to running values where products are computed.
//!
//! Processors with four float units (AMD's since Zen) add, subtract and take extremes on two of them and multiply and compare on the other two; a fused product and sum takes one of the latter. `x * 1 + y`, rounded once, is `x + y`
//! to the bit. `mean; std; min; max` of `f64` has six operations of the first kind for each vector and one of the second: with half of its sums moved it takes 0.67 of the time
//! (2026-11, AMD Zen 4). Where all units do everything, as Intel's, it changes nothing.

use iced_x86::Code;

use super::assign::of_row;
use super::inst::{Arg, Inst, Width};
use super::select::Select;
use super::table::{self, Row};

/// Half cycles in which a fused product and sum is done: a loop that is no longer than that would wait for its sums.
const LATENCY: usize = 8;

const WIDTHS: [Width; 3] = [Width::X, Width::Y, Width::Z];

/// What adds does, and what multiplies does.
const ADDS: [Row; 8] = [
    table::Addps,
    table::Addpd,
    table::Subps,
    table::Subpd,
    table::Minps,
    table::Minpd,
    table::Maxps,
    table::Maxpd,
];
const MULTIPLIES: [Row; 6] = [
    table::Mulps,
    table::Mulpd,
    table::Divps,
    table::Divpd,
    table::Cmpps,
    table::Cmppd,
];

/// Half cycles of two units that take 32 bytes each.
fn cost(code: Code, rows: &[Row]) -> usize {
    let is = |width: &Width| rows.iter().any(|row| of_row(row, *width, true) == code);
    match WIDTHS.iter().find(|width| is(width)) {
        Some(Width::Z) => 2,
        Some(_) => 1,
        None => 0,
    }
}

impl Select {
    /// Has some of the additions to running values in registers done by the other units, as long as those have less to do.
    pub(super) fn balance(&mut self) {
        let cost_of = |insts: &[Inst], rows: &[Row]| -> usize {
            insts.iter().map(|inst| cost(inst.code, rows)).sum()
        };
        let mut adds = cost_of(&self.insts, &ADDS);
        let mut multiplies = cost_of(&self.insts, &MULTIPLIES);
        let mut insts = std::mem::take(&mut self.insts);
        for inst in &mut insts {
            if adds <= multiplies.max(LATENCY) {
                break;
            }
            let sum = |row: &Row, fused: &Row, size: usize| {
                let width = WIDTHS
                    .into_iter()
                    .find(|&width| of_row(row, width, true) == inst.code);
                width.map(|width| (of_row(fused, width, true), width, size))
            };
            let sum = sum(&table::Addps, &table::Fmadd231ps, 4)
                .or_else(|| sum(&table::Addpd, &table::Fmadd231pd, 8));
            let (Some((code, width, size)), Arg::Held(..)) = (sum, inst.to) else {
                continue;
            };
            if inst.from[0] != inst.to || inst.mask != Arg::None {
                continue;
            }
            let bits = if size == 4 {
                u64::from(1f32.to_bits())
            } else {
                1f64.to_bits()
            };
            let one = self.constant(size, bits);
            let Arg::Same(i, _) = one else {
                unreachable!("a constant is shared")
            };
            self.shared[i as usize].1 += 1;
            let cost = cost(inst.code, &ADDS);
            (adds, multiplies) = (adds - cost, multiplies + cost);
            inst.code = code;
            inst.from[0] = one.at(width);
        }
        self.insts = insts;
    }
}
