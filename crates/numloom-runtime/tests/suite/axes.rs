//! Reductions that leave axes: the bits of each place, however the work is done.

use std::sync::Arc;

use numloom_data::DType;
use numloom_ir::Program;
use numloom_runtime::{Backend, OutputValue, RunOptions};

use crate::layouts::run_into_layout;
use crate::support::{Laid, Layout, assert_same, backends, compile, engine, program, values};

/// Every reduction of one operand that a dtype has, along the same axes.
fn reductions(dtype: DType, axes: &str) -> Arc<Program> {
    let wide = |name: &str| match (name, dtype) {
        ("min" | "max", _) => dtype,
        (_, DType::F32 | DType::F64) => DType::F64,
        (_, dtype) if dtype.is_unsigned() => DType::U64,
        _ => DType::I64,
    };
    let names = ["sum", "prod", "min", "max"];
    let mut text = format!("input a: {dtype}\n %0 = input 0 : {dtype}\n");
    for (i, name) in names.iter().enumerate() {
        let dtype = wide(name);
        text += &format!(" %{} = {name} %0 axes {axes} empty : {dtype}\n", i + 1);
    }
    for i in 1..=names.len() {
        text += &format!(" out r{i} = %{i} shape %{i}\n");
    }
    program(&text)
}

#[test]
fn engines_threads_and_layouts_do_not_change_a_bit_along_axes() {
    let shapes: &[&[usize]] = &[
        &[3, 5],
        &[40, 33],
        &[17, 300],
        &[300, 17],
        &[9000, 3],
        &[3, 9000],
        &[0, 4],
        &[4, 0],
        &[1, 6],
        &[2, 3, 4],
        &[5, 40, 17],
        // Columns too many for all their lanes together.
        &[70, 4000],
    ];
    let dtypes = [DType::F64, DType::F32, DType::I8, DType::U64, DType::Bool];
    for (case, shape) in shapes.iter().enumerate() {
        let dtype = dtypes[case % dtypes.len()];
        let choices: &[&str] = match shape.len() {
            2 => &["0", "-1", "0 1"],
            _ => &["0", "1", "2", "0 2", "1 2", "0 1", "1 0 2"],
        };
        for axes in choices {
            let prog = reductions(dtype, axes);
            let values = values(dtype, shape.iter().product(), 7);
            // The interpreter reduces each place as a whole array of its own.
            let compiled = compile(&engine(Backend::Interpreter, 1), &prog);
            let data = Laid::new(&values, dtype, shape, Layout::C);
            let want = compiled.run(&[data.view()], &RunOptions::new()).unwrap();
            for &backend in backends() {
                let slow = backend == Backend::Interpreter;
                if slow && values.len() > 2000 {
                    continue;
                }
                for threads in [1, 2, 3, 7] {
                    let compiled = compile(&engine(backend, threads), &prog);
                    let layouts = match threads {
                        1 => &Layout::ALL[..],
                        _ => &[Layout::C, Layout::F, Layout::Swapped],
                    };
                    for &layout in layouts {
                        let data = Laid::new(&values, dtype, shape, layout);
                        let got = compiled.run(&[data.view()], &RunOptions::new()).unwrap();
                        let what = format!(
                            "{shape:?} {dtype} along {axes}, {layout:?} on {threads} of {backend}"
                        );
                        assert_same(&got, &want, &what);
                        if threads < 3 {
                            run_into_layout(&compiled, &[data.view()], &want, layout, &what);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn one_element_for_a_row_of_columns_is_read_row_by_row() {
    let text = "input a: f64
input b: f64
 %0 = input 0 : f64
 %1 = input 1 : f64
 %2 = mul %0 %1 : f64
 %3 = sum %2 axes 0 empty : f64
 %4 = max %2 axes 0 empty : f64
 out r1 = %3 shape %3
 out r2 = %4 shape %4
";
    let prog = program(text);
    // Rows that are read in place, and short ones that are not.
    for columns in [700, 40] {
        let a = values(DType::F64, 70 * columns, 3);
        let b = values(DType::F64, 70, 5);
        let a = Laid::new(&a, DType::F64, &[70, columns], Layout::C);
        let b = Laid::new(&b, DType::F64, &[70, 1], Layout::C);
        let views = [a.view(), b.view()];
        let compiled = compile(&engine(Backend::Interpreter, 1), &prog);
        let want = compiled.run(&views, &RunOptions::new()).unwrap();
        for &backend in backends() {
            for threads in [1, 2] {
                let compiled = compile(&engine(backend, threads), &prog);
                let got = compiled.run(&views, &RunOptions::new()).unwrap();
                let what = format!("{columns} columns on {threads} of {backend}");
                assert_same(&got, &want, &what);
            }
        }
    }
}

#[test]
fn rows_are_taken_as_streams_however_many_there_are_for_a_lane() {
    // None, one or several for some lanes; for two lanes at once, for one, and for several calls; and columns that are not a multiple of
    // how many are taken at a time, or fewer.
    let rows = [1, 7, 9, 16, 100, 104, 105, 208, 209, 600, 4096 + 9];
    for (case, &rows) in rows.iter().enumerate() {
        let columns = [203, 1021][case % 2];
        for dtype in [DType::F64, DType::F32, DType::I16] {
            let wide = if dtype == DType::I16 {
                DType::I64
            } else {
                DType::F64
            };
            for sums in [
                format!(" %1 = sum %0 axes 0 empty : {wide}\n"),
                format!(" %1 = max %0 axes 0 empty : {dtype}\n"),
            ] {
                let prog = program(&format!(
                    "input a: {dtype}\n %0 = input 0 : {dtype}\n{sums} out r = %1 shape %1\n"
                ));
                let values = values(dtype, rows * columns, 11);
                let data = Laid::new(&values, dtype, &[rows, columns], Layout::C);
                let compiled = compile(&engine(Backend::Interpreter, 1), &prog);
                let want = compiled.run(&[data.view()], &RunOptions::new()).unwrap();
                for &backend in backends() {
                    for threads in [1, 2] {
                        let compiled = compile(&engine(backend, threads), &prog);
                        let got = compiled.run(&[data.view()], &RunOptions::new()).unwrap();
                        let what =
                            format!("{rows} rows of {columns}{sums}on {threads} of {backend}");
                        assert_same(&got, &want, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn a_reduction_that_is_stretched_over_a_larger_output_is_written_to_all_of_it() {
    let text = |shape| {
        let body = "input a: f64\ninput b: f64\n %0 = input 0 : f64\n %1 = sum %0 axes 1 empty shape 0 : f64\n";
        program(&format!("{body} out r = %1 shape {shape}\n"))
    };
    let values = values(DType::F64, 12, 3);
    let a = Laid::new(&values, DType::F64, &[4, 3], Layout::C);
    for &backend in backends() {
        let engine = engine(backend, 1);
        let alone = compile(&engine, &text("%1"));
        let stretched = compile(&engine, &text("1 %1"));
        // As large as the reduction first: how that was staged is remembered.
        for shape in [&[4][..], &[2, 4]] {
            let b = Laid::zeros(DType::F64, shape, Layout::C);
            let views = [a.view(), b.view()];
            let sums = alone.run(&views, &RunOptions::new()).unwrap();
            let OutputValue::Array(sums) = &sums[0] else {
                panic!("four sums")
            };
            let want = sums.view().broadcast_to(shape).unwrap().to_array().unwrap();
            let want = [OutputValue::Array(want)];
            let what = format!("{shape:?} on {backend}");
            run_into_layout(&stretched, &views, &want, Layout::C, &what);
        }
    }
}
