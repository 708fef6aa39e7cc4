//! Large programs: many inputs, many terms, many live values.

use numloom::{Backend, DType, Engine, Expr, Options, Schema};

fn engine(backend: Backend) -> Engine {
    Engine::new(Options::new().backend(backend)).expect("good options")
}

/// Runs `src` over inputs `x0`, `x1`, … of ten elements, where `x<k>[i] = k + i`.
fn run(engine: &Engine, src: &str, inputs: usize) -> Vec<f64> {
    let names: Vec<String> = (0..inputs).map(|k| format!("x{k}")).collect();
    let data: Vec<Vec<f64>> = (0..inputs)
        .map(|k| (0..10).map(|i| (k + i) as f64).collect())
        .collect();
    let schema = (names.iter()).fold(Schema::new(), |s, name| s.with(name, DType::F64));
    let kernel = engine
        .compile(&Expr::parse(src).expect("it parses"), &schema)
        .expect("it compiles");
    let inputs = names
        .iter()
        .map(String::as_str)
        .zip(data.iter().map(Vec::as_slice));
    let out = kernel.run(inputs).expect("it runs");
    Vec::try_from(out).expect("one array")
}

#[test]
fn five_hundred_inputs_evaluate() {
    let src: Vec<String> = (0..500).map(|k| format!("{}*x{k}", k % 7)).collect();
    let want: Vec<f64> = (0..10)
        .map(|i| (0..500).map(|k| ((k % 7) * (k + i)) as f64).sum())
        .collect();
    for &backend in Backend::available() {
        assert_eq!(
            run(&engine(backend), &src.join(" + "), 500),
            want,
            "{backend}"
        );
    }
}

#[test]
fn five_thousand_terms_evaluate() {
    let src: Vec<String> = (0..5000).map(|k| format!("x0*{k}")).collect();
    let src = src.join(" + ");
    let want: Vec<f64> = (0..10)
        .map(|i| (0..5000).map(|k| (i * k) as f64).sum())
        .collect();
    // Too much for one piece of machine code, which is said rather than suffered.
    let engine = Engine::new(Options::new()).expect("good options");
    assert_eq!(run(&engine, &src, 1), want);
}

#[test]
fn many_live_values_are_spilled_and_not_refused() {
    // Every value is wanted again at the end, in the opposite order.
    for live in [20, 60, 200] {
        let lets: Vec<String> = (0..live)
            .map(|k| format!("let t{k} = x0*{k} + {}", k + 1))
            .collect();
        let uses: Vec<String> = (0..live).rev().map(|k| format!("t{k}")).collect();
        let src = format!("{}; ({}) - ({})", lets.join("; "), uses.join(" + "), {
            let again: Vec<String> = (0..live).map(|k| format!("t{k}*2")).collect();
            again.join(" + ")
        });
        let sum = |i: f64| {
            (0..live)
                .map(|k| i * k as f64 + (k + 1) as f64)
                .sum::<f64>()
        };
        let want: Vec<f64> = (0..10).map(|i| -sum(i as f64)).collect();
        for &backend in &Backend::available()[1..] {
            assert_eq!(run(&engine(backend), &src, 1), want, "{live} values");
        }
    }
}
