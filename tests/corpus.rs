//! The corpus through every engine: `tests/corpus/*.toml`, format in `numloom_testkit::corpus`.

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

numloom_testkit::backend_suite!(crate::CORPUS, Interpreter as interpreter);
numloom_testkit::backend_suite!(crate::CORPUS, Cranelift as cranelift);
numloom_testkit::backend_suite!(crate::CORPUS, Wide as wide);
