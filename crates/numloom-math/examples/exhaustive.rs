//! Compares `f32` functions of one argument with correctly rounded ones on all 2^32 arguments: `exhaustive [NAME…]`, all of them without a name. A minute or so
//! each. Its result stands in `accuracy.rs`.
#![expect(clippy::print_stdout, reason = "a tool says what it found")]

use numloom_math::{Blocks, FUNCTIONS, Isa};

const BLOCK: usize = 1 << 12;

/// The function of `core_math` by that name.
fn truth(name: &str) -> fn(f32) -> f32 {
    macro_rules! by_name {
        ($($name:ident $f:ident)*) => {
            match name {
                $( stringify!($name) => core_math::$f, )*
                other => panic!("nothing to compare `{other}` with"),
            }
        };
    }
    by_name! {
        sin sinf cos cosf tan tanf asin asinf acos acosf atan atanf sinh sinhf cosh coshf tanh tanhf
        asinh asinhf acosh acoshf atanh atanhf exp expf exp2 exp2f expm1 expm1f log logf log2 log2f
        log10 log10f log1p log1pf cbrt cbrtf erf erff erfc erfcf
    }
}

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    for function in FUNCTIONS {
        let Blocks::Unary { f32: f, .. } = function.blocks else {
            continue;
        };
        if !names.is_empty() && !names.iter().any(|name| name == function.name) {
            continue;
        }
        let truth = truth(function.name);
        let (mut x, mut got) = ([0.0f32; BLOCK], [0.0f32; BLOCK]);
        let (mut count, mut first) = (0u32, Vec::new());
        for start in (0..=u32::MAX).step_by(BLOCK) {
            for (x, bits) in x.iter_mut().zip(start..) {
                *x = f32::from_bits(bits);
            }
            f(Isa::best(), &mut got, &x);
            for (&x, &got) in x.iter().zip(&got) {
                let want = truth(x);
                if got.to_bits() != want.to_bits() && !(got.is_nan() && want.is_nan()) {
                    count += 1;
                    if first.len() < 8 {
                        first.push(x);
                    }
                }
            }
        }
        println!("{} {count} {first:?}", function.name);
    }
}
