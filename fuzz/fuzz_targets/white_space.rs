#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| numloom_testkit::fuzz::white_space(data));
