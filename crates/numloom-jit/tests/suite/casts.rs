//! Conversions inside loops.

use numloom_ir::{CastMode, Op};

use crate::build::Build;
use crate::compare::{Data, Nan, agree};
use crate::values::{DTYPES, Numbers, block, bytes, specials};

#[test]
fn every_inline_cast_gives_the_bits_of_the_interpreter() {
    for from in DTYPES {
        for to in DTYPES {
            for mode in [CastMode::Wrap, CastMode::Saturate] {
                if from == to || Op::Cast(mode).is_block(from, to) {
                    continue;
                }
                for scalar in [false, true] {
                    let mut build = Build::new();
                    let x = if scalar {
                        build.scalar(from)
                    } else {
                        build.array(from)
                    };
                    let y = build.apply_to(Op::Cast(mode), to, &[x]);
                    build.out(y);
                    // In a loop with wider and narrower elements the registers are cut otherwise.
                    let narrow = build.array(numloom_data::DType::U8);
                    let wide = build.apply_to(Op::Cast(mode), numloom_data::DType::F64, &[narrow]);
                    build.out(wide);
                    let mut data = Data::new(&build.kernel, 600, &mut Numbers::new(2));
                    if !scalar {
                        let mut values = bytes(from, &specials(from));
                        let more = 600 - values.len() / from.itemsize();
                        values.extend(block(from, more, &mut Numbers::new(11)));
                        data.inputs[0] = values;
                    }
                    agree(build.finish(), Nan::Any, &data);

                    let mut build = Build::new();
                    let x = if scalar {
                        build.scalar(from)
                    } else {
                        build.array(from)
                    };
                    let y = build.apply_to(Op::Cast(mode), to, &[x]);
                    build.out(y);
                    data.inputs.truncate(1);
                    agree(build.finish(), Nan::Any, &data);
                }
            }
        }
    }
}

#[test]
fn there_and_back_again_keeps_what_fits() {
    for from in DTYPES {
        for to in DTYPES {
            let cast = Op::Cast(CastMode::Wrap);
            if from == to || cast.is_block(from, to) || cast.is_block(to, from) {
                continue;
            }
            let mut build = Build::new();
            let x = build.array(from);
            let y = build.apply_to(cast, to, &[x]);
            let z = build.apply_to(cast, from, &[y]);
            let same = build.apply(Op::Eq, &[x, z]);
            build.out(z);
            build.out(same);
            let data = Data::new(&build.kernel, 300, &mut Numbers::new(9));
            agree(build.finish(), Nan::Any, &data);
        }
    }
}
