//! Many cases in few files.
//!
//! A batch is a directory: `f64.npy` and so on hold all elements of one dtype, row-major and one after another, those of inputs and of
//! answers alike; `manifest.jsonl` has a line for each case, in which an array is its dtype, its shape and where its first element
//! stands.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use numloom_data::{DType, Order, View};
use numloom_io::npy;

use super::draw::{Case, Cell};

/// What numloom said to a case.
#[derive(Debug)]
pub enum Answer {
    /// Its outputs, in the order of the program.
    Outputs(Vec<numloom_data::Array>),
    /// Its error.
    Error {
        /// The slug of the code.
        slug: String,
        /// The first line of the message.
        message: String,
    },
}

/// Cases and their answers, to be written.
#[derive(Debug, Default)]
pub struct Batch {
    elements: BTreeMap<DType, Vec<u8>>,
    manifest: String,
}

impl Batch {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Appends a case with its answer.
    pub fn push(&mut self, case: &Case, answer: &Answer) {
        let mut line = format!("{{\"case\": {}, \"text\": ", case.number);
        string(&mut line, &case.text);
        line.push_str(", \"numpy\": ");
        string(&mut line, &case.numpy);
        line.push_str(", \"inputs\": {");
        for (i, input) in case.inputs.iter().enumerate() {
            let layout = input
                .layout
                .map_or("value".to_owned(), |layout| layout.to_string());
            let array = self.array(&input.array.view());
            let comma = if i > 0 { ", " } else { "" };
            let _ = write!(
                line,
                "{comma}\"{}\": {{{array}, \"layout\": \"{layout}\"}}",
                input.name
            );
        }
        line.push_str("}, \"outputs\": {");
        for (i, (name, made_of)) in case.outputs.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let made_of: Vec<String> = made_of.iter().map(cell).collect();
            let _ = write!(
                line,
                "{comma}\"{name}\": {{\"of\": [{}]",
                made_of.join(", ")
            );
            if let Answer::Outputs(arrays) = answer {
                let array = self.array(&arrays[i].view());
                let _ = write!(line, ", {array}");
            }
            line.push('}');
        }
        line.push('}');
        if let Answer::Error { slug, message } = answer {
            let _ = write!(line, ", \"error\": \"{slug}\", \"message\": ");
            string(&mut line, message);
        }
        line.push_str("}\n");
        self.manifest.push_str(&line);
    }

    /// Keeps the elements, and says where.
    fn array(&mut self, view: &View<'_>) -> String {
        let dtype = view.dtype();
        let bytes = self.elements.entry(dtype).or_default();
        let start = bytes.len() / dtype.itemsize();
        let array = view.to_array().expect("small arrays can be had");
        bytes.extend_from_slice(array.as_bytes());
        format!(
            "\"dtype\": \"{dtype}\", \"shape\": {:?}, \"start\": {start}",
            view.shape()
        )
    }

    /// Writes the files into a directory that exists.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// If a number of elements overflows: no batch is that large.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        for (dtype, bytes) in &self.elements {
            let n = bytes.len() / dtype.itemsize();
            let view = View::from_bytes(bytes, *dtype, &[n], Order::C).expect("whole elements");
            npy::write(dir.join(format!("{dtype}.npy")), &view).map_err(io::Error::other)?;
        }
        fs::write(dir.join("manifest.jsonl"), &self.manifest)
    }
}

fn cell((name, dtype): &Cell) -> String {
    format!("[\"{name}\", \"{dtype}\"]")
}

/// A string of JSON.
fn string(line: &mut String, text: &str) {
    line.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                line.push('\\');
                line.push(c);
            }
            '\n' => line.push_str("\\n"),
            c if c < ' ' => {
                let _ = write!(line, "\\u{:04x}", c as u32);
            }
            c => line.push(c),
        }
    }
    line.push('"');
}
