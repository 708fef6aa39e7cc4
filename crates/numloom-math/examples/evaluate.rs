//! Evaluates one function: `evaluate NAME f64|f32 [ISA]`, operands on standard input, results on standard output, both as bytes in the machine's
//! order; the operands of a function of two are in one block each, the first one first. `tools/accuracy.py` asks it.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use numloom_math::{Blocks, Function, Isa};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, dtype, isa @ ..] = &args[..] else {
        return usage("a name and a dtype");
    };
    let isa = isa.first().map_or(Ok(Isa::best()), |name| name.parse());
    let (Some(function), Ok(isa)) = (Function::named(name), isa) else {
        return usage("a function and an instruction set that there are");
    };
    let mut bytes = Vec::new();
    if let Err(error) = io::stdin().read_to_end(&mut bytes) {
        return usage(&error.to_string());
    }
    macro_rules! evaluate {
        ($type:ident) => {{
            let (words, _) = bytes.as_chunks();
            let x: Vec<$type> = words.iter().map(|&x| $type::from_ne_bytes(x)).collect();
            let mut dst = vec![0.0; x.len()];
            match function.blocks {
                Blocks::Unary { $type: f, .. } => f(isa, &mut dst, &x),
                Blocks::Binary { $type: f, .. } => {
                    let (x, y) = x.split_at(x.len() / 2);
                    dst.truncate(x.len());
                    f(isa, &mut dst, x, y);
                }
            }
            dst.iter()
                .flat_map(|x| x.to_ne_bytes())
                .collect::<Vec<u8>>()
        }};
    }
    let results = match dtype.as_str() {
        "f64" => evaluate!(f64),
        "f32" => evaluate!(f32),
        _ => return usage("f64 or f32"),
    };
    match io::stdout().write_all(&results) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => usage(&error.to_string()),
    }
}

#[expect(clippy::print_stderr, reason = "a tool says what it misses")]
fn usage(missing: &str) -> ExitCode {
    eprintln!("evaluate NAME f64|f32 [ISA]: needs {missing}");
    ExitCode::FAILURE
}
