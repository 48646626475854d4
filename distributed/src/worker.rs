//! The function that executors run: one piece of a job, from a file of the shared folder to a file of the shared folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use forerunner::pipeline::work::work;

/// Its name in SQL.
pub const NAME: &str = "forerunner_work";

/// The job of a folder.
pub fn job(folder: &Path) -> PathBuf {
    folder.join("job")
}

/// A piece of it.
pub fn piece(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.piece"))
}

/// Its answer.
pub fn answer(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.answer"))
}

/// `forerunner_work(folder, piece)`: does a piece and gives the size of the answer, in bytes, as text.
pub fn function() -> ScalarUDF {
    let text = vec![DataType::Utf8, DataType::Utf8];
    ScalarUDF::from(Work { signature: Signature::exact(text, Volatility::Volatile) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Work {
    signature: Signature,
}

impl ScalarUDFImpl for Work {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let [folders, pieces] = [as_string_array(&columns[0])?, as_string_array(&columns[1])?];
        let sizes = (0..pieces.len()).map(|row| one(Path::new(folders.value(row)), pieces.value(row)));
        let sizes: StringArray = sizes.map(|size| size.map(|size| Some(size.to_string()))).collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(sizes) as ArrayRef))
    }
}

/// The answer appears whole or not at all, though two executors may work on one piece.
fn one(folder: &Path, name: &str) -> Result<u64> {
    let read = |path: PathBuf| fs::read(&path).map_err(|error| failed(&path, &error));
    let bytes = work(&read(job(folder))?, &read(piece(folder, name))?);
    let path = answer(folder, name);
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&path).map_err(|error| error.error)
    };
    write().map_err(|error| failed(&path, &error))?;
    Ok(bytes.len() as u64)
}

fn failed(path: &Path, error: &std::io::Error) -> DataFusionError {
    DataFusionError::Execution(format!("{}: {error}: is it a folder that all machines share?", path.display()))
}
