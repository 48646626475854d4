//! A file through the readers.

use std::hint::black_box;
use std::path::Path;

use forerunner::Error;
use forerunner::sources::{Reading, Request, Source};

/// Reads a file whole; every row must come out as a row or as broken, with a line within the file.
pub fn read(path: &Path, reading: Reading) -> Result<(usize, usize), Error> {
    let request = Request::everything("fuzz", path.parent().unwrap(), &reading);
    let source = Source::open(&request)?;
    let (mut rows, mut broken) = (0, 0);
    source.stream(&|batch| Ok(batch), &mut |batch| {
        for row in 0..batch.rows() {
            assert!(batch.origin[row].line > 0);
            (0..source.columns.len()).for_each(|column| {
                black_box(batch.cell(row, column));
            });
        }
        assert!(batch.broken.iter().all(|row| row.line > 0));
        rows += batch.rows();
        broken += batch.broken.len();
        Ok(())
    })?;
    Ok((rows, broken))
}
