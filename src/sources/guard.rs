//! Libraries that take for granted that a file keeps its own promises: where one does not, they panic, and the panic becomes
//! an error here.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::files::Located;
use super::problem;
use crate::error::Result;

/// What to do about a file that does not read.
pub const CHECK: &str = "check the export that wrote it";

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread, at this moment, is that of a reader over a damaged file, and will be reported as an
/// error.
pub fn expects_panic() -> bool {
    GUARDED.get()
}

/// Reads; a panic on the way says that the file is damaged.
pub fn guarded<T>(located: &Located, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(outer);
    result.unwrap_or_else(|_| Err(problem(&located.shown, "the file is damaged", CHECK)))
}
