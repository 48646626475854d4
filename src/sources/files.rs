//! The files of a source: found, opened, unpacked. Bytes only; what they mean is told elsewhere.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive};

use super::{Request, hex, problem};
use crate::error::{Error, Problem, Result, suggest};

/// A packed file that grows past this many times its size is taken for a bomb …
const GREATEST_RATIO: u64 = 200;
/// … once it has given this many bytes.
const ALWAYS_ALLOWED: u64 = 64 << 20;

/// A file of a source, or a member of a zip archive.
#[derive(Debug, Clone)]
pub struct Located {
    /// The path as the pipeline file (and its globs) name it.
    pub shown: String,
    /// The file to open.
    pub path: PathBuf,
    /// The member, where the file is a zip archive.
    member: Option<String>,
}

/// What a file holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Delimited text.
    Csv,
    /// GeoJSON, or a list of records.
    Geojson,
    /// One GeoJSON feature or JSON object a line.
    JsonLines,
    /// Parquet or GeoParquet.
    Parquet,
    /// A workbook of sheets.
    Workbook,
    /// A GeoPackage.
    Geopackage,
    /// A shapefile.
    Shapefile,
    /// FlatGeobuf.
    Flatgeobuf,
    /// KML or KMZ.
    Kml,
}

/// The columns that the folders of a path give, as `year=2022`, and the value of each as it stands there.
pub fn partitions(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let folders = path.rsplit_once(['/', '\\']).map_or("", |(folders, _)| folders);
    let named = folders.split(['/', '\\']).filter_map(|folder| folder.split_once('='));
    named.filter(|(name, _)| !name.is_empty())
}

/// The value of a folder: `%20` is a blank, and what Hive writes for nothing is nothing.
pub fn unescaped(value: &str) -> String {
    const NOTHING: &str = "__HIVE_DEFAULT_PARTITION__";
    if value == NOTHING {
        return String::new();
    }
    let byte =
        |text: &[u8]| std::str::from_utf8(text.get(1..3)?).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let (mut rest, mut plain) = (value.as_bytes(), Vec::new());
    while let Some(&first) = rest.first() {
        let escaped = Some(rest).filter(|_| first == b'%').and_then(byte);
        plain.push(escaped.unwrap_or(first));
        rest = &rest[if escaped.is_some() { 3 } else { 1 }..];
    }
    String::from_utf8(plain).unwrap_or_else(|_| value.to_owned())
}

/// Formats that are not read, by the end of their name: what they are, and what to do.
const OTHERS: [(&[&str], &str, &str); 13] = [
    (&["gdb"], "a file geodatabase of ESRI", "export the layer as GeoPackage: ogr2ogr out.gpkg IN.gdb LAYER"),
    (&["mdb", "accdb"], "a Microsoft Access database", "export the table as CSV"),
    (&["mif", "mid"], "a MapInfo table", "export it as GeoPackage: ogr2ogr out.gpkg IN.mif"),
    (&["gml", "xml"], "XML", "export it as GeoPackage or CSV"),
    (&["gpx"], "GPX", "export it as GeoJSON"),
    (&["pdf"], "a PDF document", "ask its publisher for the table behind it"),
    (&["html", "htm"], "a web page", "download the file that it links to"),
    (&["doc", "docx"], "a text document", "copy its table into a sheet, and save that as CSV"),
    (&["dbf", "shx", "prj", "cpg"], "a part of a shapefile", "name its .shp"),
    (&["arrow", "feather", "ipc"], "Arrow IPC", "write it as Parquet"),
    (&["rds", "rdata", "sav", "dta"], "the file of a statistics program", "export it as CSV or Parquet"),
    (&["sqlite", "db", "duckdb"], "a database", "export the table as Parquet or CSV"),
    (&["topojson"], "TopoJSON", "export it as GeoJSON"),
];

/// What files begin with whose name says nothing: the bytes, what they are, and what to do.
const BEGINNINGS: [(&[u8], &str, &str); 13] = [
    (&[0x1f, 0x8b], "gzip", "call it `.gz`"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstandard", "call it `.zst`"),
    (b"PK\x03\x04", "a zip archive or a workbook", "call it `.zip`, `.xlsx` or `.ods`"),
    (
        &[0xd0, 0xcf, 0x11, 0xe0],
        "an old workbook, or an encrypted one",
        "call it `.xls`, or save it without a password",
    ),
    (b"SQLite format 3", "an SQLite database", "if it is a GeoPackage, call it `.gpkg`"),
    (b"PAR1", "Parquet", "call it `.parquet`"),
    (b"fgb\x03", "FlatGeobuf", "call it `.fgb`"),
    (&[0, 0, 0x27, 0x0a], "a shapefile", "call it `.shp`"),
    (b"!table", "a MapInfo table", "export it as GeoPackage: ogr2ogr out.gpkg IN.tab"),
    (b"%PDF", "a PDF document", "ask its publisher for the table behind it"),
    (b"<?xml", "XML", "if it is KML, call it `.kml`; else export it as GeoPackage or CSV"),
    (b"<!DOCTYPE", "a web page", "download the file that it links to"),
    (b"<html", "a web page", "download the file that it links to"),
];

/// A file that libraries open by its path: as it lies there, or unpacked for as long as this lives.
#[derive(Debug)]
pub enum OnDisk {
    /// As it lies there.
    Plain(PathBuf),
    /// Unpacked.
    Unpacked(tempfile::NamedTempFile),
}

impl OnDisk {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        match self {
            Self::Plain(path) => path,
            Self::Unpacked(file) => file.path(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// The files behind a list of paths and globs, in the order given, a glob's matches by name.
///
/// # Errors
///
/// [`Error::Io`] for a glob that matches nothing, [`Error::Data`] for a zip archive without the member.
pub fn locate(request: &Request<'_>) -> Result<Vec<Located>> {
    let mut files = Vec::new();
    for given in &request.reading.path.0 {
        let path = request.folder.join(given);
        if !given.contains(['*', '?', '[']) || path.exists() {
            files.push(located(given.clone(), path)?);
            continue;
        }
        let matches = glob::glob(&path.to_string_lossy()).map_err(|error| {
            Error::pipeline(Problem::new(format!("{}.path", request.name), format!("`{given}`: {error}"), ""))
        })?;
        let before = files.len();
        for found in matches {
            let found = found.map_err(|error| Error::Io { path: error.path().to_path_buf(), source: error.into() })?;
            let shown = found.strip_prefix(request.folder).unwrap_or(&found).to_string_lossy().into_owned();
            files.push(located(shown, found)?);
        }
        if files.len() == before {
            let source = io::Error::new(io::ErrorKind::NotFound, "no file matches");
            return Err(Error::Io { path, source });
        }
    }
    Ok(files)
}

/// Tells a member of an archive (`FILE.zip/MEMBER`, or the only one of `FILE.zip`) from a plain file.
fn located(shown: String, path: PathBuf) -> Result<Located> {
    let ends = |path: &Path, end: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    let is_zip = |path: &Path| (ends(path, "zip") || ends(path, "kmz")) && path.is_file();
    let Some(archive) = path.ancestors().find(|part| is_zip(part)).map(Path::to_path_buf) else {
        return Ok(Located { shown, path, member: None });
    };
    let mut members = open_archive(&shown, &archive)?;
    let names = names_in(&mut members);
    let member = path.strip_prefix(&archive).map(|rest| rest.to_string_lossy().into_owned()).unwrap_or_default();
    if member.is_empty() {
        // A shapefile is packed with its parts, KML with its pictures.
        let main = if ends(&archive, "kmz") { ".kml" } else { ".shp" };
        let mains: Vec<&String> = names.iter().filter(|name| name.to_ascii_lowercase().ends_with(main)).collect();
        let only = match (names.as_slice(), mains.as_slice()) {
            ([only], _) => Some(only),
            (_, [main]) => Some(*main),
            _ => None,
        };
        let Some(only) = only else {
            let hint = format!("name one of its members: {}", names.join(", "));
            return Err(problem(&shown, format!("the archive holds {} files", names.len()), hint));
        };
        return Ok(Located { shown: format!("{shown}/{only}"), path: archive, member: Some(only.clone()) });
    }
    if names.contains(&member) {
        return Ok(Located { shown, path: archive, member: Some(member) });
    }
    let hint = suggest(&member, names.iter().map(String::as_str));
    Err(problem(&shown, format!("the archive has no member `{member}`"), hint))
}

fn open_archive(shown: &str, path: &Path) -> Result<ZipArchive<File>> {
    let file = File::open(path).map_err(Error::io(path))?;
    ZipArchive::new(file).map_err(|error| damaged(shown, &error.to_string()))
}

/// The files of an archive.
fn names_in(archive: &mut ZipArchive<File>) -> Vec<String> {
    let count = archive.len();
    let name = |at| archive.by_index_raw(at).ok().and_then(|file| file.name().ok().map(|name| name.into_owned()));
    (0..count).filter_map(name).filter(|name| !name.ends_with('/')).collect()
}

fn damaged(shown: &str, message: &str) -> Error {
    problem(shown, format!("the packed file does not unpack: {message}"), "copy or download the file again")
}

impl Located {
    fn name(&self) -> String {
        self.member.clone().unwrap_or_else(|| self.path.to_string_lossy().into_owned()).to_ascii_lowercase()
    }

    fn packing(&self) -> Packing {
        match self.name().rsplit_once('.').map(|(_, extension)| extension) {
            Some("gz") => Packing::Gzip,
            Some("zst" | "zstd") => Packing::Zstd,
            _ => Packing::None,
        }
    }

    /// What its name ends in, without what says how it is packed.
    fn extension(&self) -> Option<String> {
        let name = self.name();
        let name = ["gz", "zst", "zstd"].iter().find_map(|packed| name.strip_suffix(&format!(".{packed}")));
        let name = name.map_or_else(|| self.name(), str::to_owned);
        name.rsplit_once('.').map(|(_, extension)| extension.to_owned())
    }

    /// What the file holds, by its name.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] for a format that is not read, called by its name.
    pub fn format(&self) -> Result<Format> {
        let extension = self.extension().unwrap_or_default();
        Ok(match extension.as_str() {
            "geojson" | "json" => Format::Geojson,
            "geojsonl" | "geojsons" | "geojsonseq" | "ndjson" | "jsonl" => Format::JsonLines,
            "parquet" | "geoparquet" => Format::Parquet,
            "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => Format::Workbook,
            "gpkg" => Format::Geopackage,
            "shp" => Format::Shapefile,
            "fgb" => Format::Flatgeobuf,
            "kml" | "kmz" => Format::Kml,
            other => {
                let known = OTHERS.iter().find(|(names, ..)| names.contains(&other));
                let Some((_, what, hint)) = known else { return Ok(Format::Csv) };
                return Err(problem(&self.shown, format!("the file is {what}, which is not read"), *hint));
            }
        })
    }

    /// Another part of the same file (`roads.dbf` of `roads.shp`), beside it or in the same archive.
    pub fn sibling(&self, extension: &str) -> Option<Self> {
        let wanted = |name: &str, own: &str| {
            let stem =
                |name: &str| name.rsplit_once('.').map(|(stem, end)| (stem.to_owned(), end.to_ascii_lowercase()));
            stem(name).zip(stem(own)).is_some_and(|((stem, end), (own, _))| stem == own && end == extension)
        };
        let renamed = |shown: &str, name: &str| {
            let cut = shown.rsplit_once('/').map_or(0, |(folder, _)| folder.len() + 1);
            format!("{}{}", &shown[..cut], name.rsplit('/').next().unwrap_or(name))
        };
        if let Some(member) = &self.member {
            let mut archive = open_archive(&self.shown, &self.path).ok()?;
            let mut names = names_in(&mut archive).into_iter();
            let found = names.find(|name| wanted(name, member))?;
            return Some(Self { shown: renamed(&self.shown, &found), path: self.path.clone(), member: Some(found) });
        }
        let own = self.path.file_name()?.to_string_lossy().into_owned();
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut names: Vec<String> =
            folder.read_dir().ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        let found = names.into_iter().find(|name| wanted(name, &own))?;
        Some(Self { shown: renamed(&self.shown, &found), path: self.path.with_file_name(&found), member: None })
    }

    /// What belongs to the file: the parts of a shapefile that is not packed.
    pub fn parts(&self) -> Vec<Self> {
        let is_shapefile = matches!(self.format(), Ok(Format::Shapefile)) && self.is_plain();
        let ends: &[&str] = if is_shapefile { &["dbf", "prj", "cpg"] } else { &[] };
        ends.iter().filter_map(|end| self.sibling(end)).collect()
    }

    /// The file for libraries that open it by its path.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Data`] where it does not unpack.
    pub fn on_disk(&self) -> Result<OnDisk> {
        let mut read = self.open()?;
        if self.is_plain() {
            return Ok(OnDisk::Plain(self.path.clone()));
        }
        let mut file = tempfile::NamedTempFile::new().map_err(Error::io(&self.path))?;
        io::copy(&mut read, &mut file).map_err(|error| self.failed(error))?;
        Ok(OnDisk::Unpacked(file))
    }

    /// Whether the bytes of the file are those that it holds.
    pub fn is_plain(&self) -> bool {
        self.member.is_none() && self.packing() == Packing::None
    }

    /// Opens the file and unpacks it on the way.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be opened, [`Error::Data`] if it is packed as its name does not say.
    pub fn open(&self) -> Result<Box<dyn Read + Send>> {
        let mut file = File::open(&self.path).map_err(Error::io(&self.path))?;
        let metadata = file.metadata().map_err(Error::io(&self.path))?;
        if !metadata.is_file() {
            let kind = if metadata.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
            return Err(Error::Io { path: self.path.clone(), source: io::Error::new(kind, "not a regular file") });
        }
        if self.member.is_some() {
            let (read, size) = self.open_member(file)?;
            return Ok(self.unpack(read, size));
        }
        self.refuse_hidden_format(&mut file)?;
        Ok(self.unpack(Box::new(file), metadata.len()))
    }

    fn unpack(&self, read: Box<dyn Read + Send>, size: u64) -> Box<dyn Read + Send> {
        let guarded = |read| Box::new(Guarded { read, size, given: 0 });
        match self.packing() {
            Packing::None => read,
            Packing::Gzip => guarded(Box::new(MultiGzDecoder::new(read))),
            Packing::Zstd => match zstd::Decoder::new(read) {
                Ok(decoder) => guarded(Box::new(decoder)),
                Err(error) => Box::new(Failing(Some(error))),
            },
        }
    }

    fn open_member(&self, file: File) -> Result<(Box<dyn Read + Send>, u64)> {
        let fail = |error: zip::result::ZipError| damaged(&self.shown, &error.to_string());
        let mut archive = open_archive(&self.shown, &self.path)?;
        let names = (0..archive.len()).find(|&at| {
            archive.by_index_raw(at).is_ok_and(|file| file.name().ok().as_deref() == self.member.as_deref())
        });
        let member = archive.by_index_raw(names.unwrap_or_default()).map_err(fail)?;
        if member.encrypted() {
            return Err(problem(&self.shown, "the archive is encrypted", "unpack it first"));
        }
        let (size, packed, crc) = (member.size(), member.compressed_size(), member.crc32());
        let method = member.compression();
        let start = member.data_start().ok_or_else(|| damaged(&self.shown, "the member has no data"))?;
        let mut file = file;
        file.seek(SeekFrom::Start(start)).map_err(Error::io(&self.path))?;
        let raw = file.take(packed);
        let read: Box<dyn Read + Send> = match method {
            CompressionMethod::STORE => Box::new(raw),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(raw)),
            other => return Err(damaged(&self.shown, &format!("compressed by {other}, not by deflate"))),
        };
        let guarded = Guarded { read, size: packed, given: 0 };
        Ok((Box::new(Checked { read: guarded, crc: Crc::new(), size, wanted: crc }), size))
    }

    /// A file of another format under the name of a text would read as broken text.
    fn refuse_hidden_format(&self, file: &mut File) -> Result<()> {
        let packed_as_named = !matches!(self.packing(), Packing::None);
        if packed_as_named || !matches!(self.format(), Ok(Format::Csv | Format::Geojson | Format::JsonLines)) {
            return Ok(());
        }
        let mut head = [0u8; 16];
        let read = file.read(&mut head).map_err(Error::io(&self.path))?;
        file.rewind().map_err(Error::io(&self.path))?;
        let Some((_, what, hint)) = BEGINNINGS.iter().find(|(start, ..)| head[..read].starts_with(start)) else {
            return Ok(());
        };
        Err(problem(&self.shown, format!("the name of the file does not say what it is: {what}"), *hint))
    }

    /// An error while bytes were being read: the operating system's, or that of what packs them.
    pub fn failed(&self, error: io::Error) -> Error {
        if self.is_plain() && error.raw_os_error().is_some() {
            return Error::Io { path: self.path.clone(), source: error };
        }
        damaged(&self.shown, &error.to_string())
    }

    /// Size and SHA-256 of the file as it lies there.
    pub fn fingerprint(&self) -> Result<(u64, String)> {
        fingerprint(&self.path)
    }
}

/// Size and SHA-256 of a file.
///
/// # Errors
///
/// [`Error::Io`] if it does not read.
pub fn fingerprint(path: &Path) -> Result<(u64, String)> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut hash = Sha256::new();
    let bytes = io::copy(&mut file, &mut hash).map_err(Error::io(path))?;
    Ok((bytes, hex(&hash.finalize())))
}

/// Whether so many bytes cannot come of a packed file of this size.
pub fn is_out_of_proportion(unpacked: u64, packed: u64) -> bool {
    unpacked > ALWAYS_ALLOWED && unpacked / GREATEST_RATIO > packed
}

/// Stops a packed file that grows out of all proportion.
struct Guarded {
    read: Box<dyn Read + Send>,
    size: u64,
    given: u64,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read.read(buffer)?;
        self.given += count as u64;
        if is_out_of_proportion(self.given, self.size) {
            let message = format!("it expands to more than {GREATEST_RATIO} times its size: refused");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(count)
    }
}

/// Compares size and CRC-32 of an archive's member at its end.
struct Checked {
    read: Guarded,
    crc: Crc,
    size: u64,
    wanted: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read.read(buffer)?;
        self.crc.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && (self.read.given != self.size || self.crc.sum() != self.wanted) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "size or checksum differ: it is damaged"));
        }
        Ok(count)
    }
}

/// A stream that could not begin.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::ErrorKind::InvalidData.into()))
    }
}
