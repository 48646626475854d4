//! The command line: arguments, messages, exit status. All work is the library's.

mod cli;

/// Tables come and go by the hundred megabytes: what is let go is given back, and threads do not wait for one another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
