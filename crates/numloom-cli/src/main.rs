//! The `numloom` command: array expressions over files.
//!
//! `main` parses arguments and hands over to one file of `cmd` for each subcommand; `args` says what may be typed, `files` turns names into arrays,
//! `report` draws errors and progress.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a command prints its errors")]

mod args;
mod cmd;
mod files;
mod report;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let done = match &args.command {
        args::Command::Eval(args) => cmd::eval::run(args),
        args::Command::Check(args) => cmd::check::run(args),
        args::Command::Explain(args) => cmd::explain::run(args),
        args::Command::Info(args) => cmd::info::run(args),
        args::Command::Demo(args) => cmd::demo::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::failure(&failure);
            ExitCode::FAILURE
        }
    }
}
