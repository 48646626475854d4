//! Workers behind a Ballista scheduler: a query whose every row is a piece of work.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballista::prelude::SessionContextExt;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::common::cast::as_string_array;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use forerunner::workers::Workers;
use forerunner::{Error, Result};
use tokio::runtime::Runtime;

use crate::worker;

/// A cluster, and the folder that it shares with this process.
#[derive(Debug)]
pub struct Cluster {
    /// The scheduler, as `http://HOST:PORT`.
    pub url: String,
    /// A folder that all executors see under the same path.
    pub shared: PathBuf,
    /// Into how many pieces work is cut.
    pub pieces: usize,
    /// Where its messages are waited for.
    pub runtime: Runtime,
}

impl Workers for Cluster {
    fn answers(&self, job: &[u8], pieces: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let folder = tempfile::Builder::new().prefix(".forerunner-").tempdir_in(&self.shared);
        let folder = folder.map_err(Error::io(&self.shared))?;
        let names: Vec<String> = (0..pieces.len()).map(|at| format!("{at:06}")).collect();
        lay_out(folder.path(), job, &names, &pieces).map_err(Error::io(folder.path()))?;
        drop(pieces);
        let sizes = self.runtime.block_on(ask(&self.url, folder.path(), names.len())).map_err(lost)?;
        let read = |name: &String| {
            let path = worker::answer(folder.path(), name);
            let bytes = fs::read(&path).map_err(Error::io(&path))?;
            let said = sizes.iter().filter(|(piece, _)| piece == name).map(|(_, size)| size.as_str());
            let is_whole = said.eq([bytes.len().to_string().as_str()]);
            if is_whole {
                Ok(bytes)
            } else {
                Err(Error::Workers { message: format!("piece {name} was not done once") })
            }
        };
        names.iter().map(read).collect()
    }

    fn count(&self) -> usize {
        self.pieces
    }
}

fn lost(error: DataFusionError) -> Error {
    Error::Workers { message: format!("the cluster did not do its work: {error}") }
}

/// Writes the job, its pieces, and a table of one row a file that names them: one file is one task.
fn lay_out(folder: &Path, job: &[u8], names: &[String], pieces: &[Vec<u8>]) -> std::io::Result<()> {
    fs::write(worker::job(folder), job)?;
    fs::create_dir(folder.join("tasks"))?;
    for (name, piece) in names.iter().zip(pieces) {
        fs::write(worker::piece(folder, name), piece)?;
        let text = |of: &str| Arc::new(StringArray::from(vec![of])) as ArrayRef;
        let row = [("folder", text(&folder.display().to_string())), ("piece", text(name))];
        let batch = RecordBatch::try_from_iter(row).map_err(std::io::Error::other)?;
        let file = fs::File::create(folder.join("tasks").join(format!("{name}.parquet")))?;
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(std::io::Error::other)?;
        writer.write(&batch).map_err(std::io::Error::other)?;
        writer.close().map_err(std::io::Error::other)?;
    }
    Ok(())
}

/// Each piece with the size of its answer.
async fn ask(url: &str, folder: &Path, pieces: usize) -> std::result::Result<Vec<(String, String)>, DataFusionError> {
    let mut config = SessionConfig::new().with_target_partitions(pieces.max(1)).with_batch_size(1);
    // Files of one row each are not to be cut or put together.
    config.options_mut().optimizer.repartition_file_scans = false;
    let state = SessionStateBuilder::new().with_default_features().with_config(config).build();
    let context = SessionContext::remote_with_state(url, state).await?;
    context.register_udf(worker::function());
    let tasks = folder.join("tasks").display().to_string();
    context.register_parquet("tasks", &tasks, ParquetReadOptions::default()).await?;
    let query = format!("SELECT piece, {}(folder, piece) AS size FROM tasks", worker::NAME);
    let batches = context.sql(&query).await?.collect().await?;
    let mut answers = Vec::new();
    for batch in &batches {
        let column = |at: usize| {
            datafusion::arrow::compute::cast(batch.column(at), &datafusion::arrow::datatypes::DataType::Utf8)
        };
        let (pieces, sizes) = (column(0)?, column(1)?);
        let (pieces, sizes) = (as_string_array(&pieces)?, as_string_array(&sizes)?);
        answers.extend((0..batch.num_rows()).map(|row| (pieces.value(row).to_owned(), sizes.value(row).to_owned())));
    }
    Ok(answers)
}
