//! Folders whose names outlive a loss of power: a name is on disk only once the folder that it stands in is synced.

use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;

/// Makes a folder and those above it, as far as they are missing, for their owner only. The names of those that it made are
/// on disk when this returns.
pub(super) fn make(dir: &Path) -> io::Result<()> {
    let made: Vec<&Path> = dir
        .ancestors()
        .take_while(|part| !part.as_os_str().is_empty() && !part.exists())
        .collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    made.into_iter().try_for_each(sync_name)
}

/// Syncs the folder that `path` stands in.
pub(super) fn sync_name(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        Some(_) => File::open(".")?.sync_all(),
        None => Ok(()),
    }
}
