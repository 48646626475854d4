//! The command line: arguments, messages, exit status. All work is the library's.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !forerunner::sources::expects_panic() {
            report(panic);
        }
    }));
    polars::error::set_warning_function(|warning, _| tracing::debug!("{warning}"));
    let arguments = cli::Arguments::parse();
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::tell(&error);
            ExitCode::from(error.exit_status())
        }
    }
}
