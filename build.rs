//! A fingerprint of the program's own sources, so that what one build has kept is never read by another.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut files = vec![PathBuf::from("Cargo.toml"), PathBuf::from("Cargo.lock")];
    for folder in ["src", "templates"] {
        println!("cargo:rerun-if-changed={folder}");
        gather(Path::new(folder), &mut files)?;
    }
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in files.iter().filter(|file| file.exists()) {
        hash.write(file.to_string_lossy().as_bytes());
        hash.write(&fs::read(file)?);
    }
    for file in ["Cargo.toml", "Cargo.lock", "build.rs"] {
        println!("cargo:rerun-if-changed={file}");
    }
    // Arithmetic may differ in its last digits between architectures.
    hash.write(env::var("TARGET").unwrap_or_default().as_bytes());
    println!("cargo:rustc-env=FORERUNNER_SOURCES={:016x}", hash.finish());
    Ok(())
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { gather(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
