//! The corpus of real data, which is no part of this repository.

use std::path::{Path, PathBuf};

use crate::not_run::not_run;

/// A file of the corpus (`WEIR_CORPUS`, or `../shared/corpus`); where it isn't there, that is said and the test isn't run.
pub fn corpus(file: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("WEIR_CORPUS").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let path = folder.join(file);
    if !path.is_file() {
        not_run("the corpus isn't here (`WEIR_CORPUS` names its folder)");
        return None;
    }
    Some(path)
}
