//! Bookmarks in the log's folder: one small file per key, replaced atomically.
//!
//! Opening the log does not read them, so a lost one never prevents it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use fanjet_log::bookmarks::check_key;
use fanjet_log::{Bookmarks, LogError};

use crate::EmbeddedLog;
use crate::disk::{Disk, RealDisk};
use crate::folder::create_whole;

const FOLDER: &str = "bookmarks";

/// The bookmarks in the folder of one log.
#[derive(Debug, Clone)]
pub struct FolderBookmarks {
    folder: PathBuf,
    /// Locks the folder against other processes.
    log: EmbeddedLog,
}

impl FolderBookmarks {
    /// The bookmarks of this log.
    pub fn of(log: &EmbeddedLog) -> Self {
        Self {
            folder: log.path().join(FOLDER),
            log: log.clone(),
        }
    }
}

#[async_trait]
impl Bookmarks for FolderBookmarks {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LogError> {
        check_key(key)?;
        let path = self.folder.join(key);
        blocking(move || match fs::read(path) {
            Ok(value) => Ok(Some(Bytes::from(value))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), LogError> {
        check_key(key)?;
        let (folder, key) = (self.folder.clone(), key.to_owned());
        let lock = self.log.lock();
        blocking(move || {
            lock.check()?;
            write(&RealDisk, &folder, &key, &value)
        })
        .await
    }
}

fn write(disk: &dyn Disk, folder: &Path, key: &str, value: &[u8]) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if let Some(parent) = folder.parent() {
        disk.sync_folder(parent)?;
    }
    create_whole(disk, folder, key, value).map(drop)
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, LogError> {
    let called = tokio::task::spawn_blocking(call).await;
    called
        .map_err(LogError::unavailable)?
        .map_err(LogError::unavailable)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanjet_log::EventLog;
    use fanjet_runtime::SystemClock;

    use super::*;
    use crate::EmbeddedConfig;

    async fn open(folder: &Path) -> EmbeddedLog {
        let config = EmbeddedConfig {
            path: folder.to_owned(),
            ..EmbeddedConfig::default()
        };
        EmbeddedLog::open(config, Arc::new(SystemClock))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn they_keep_the_contract_and_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let log = open(folder.path()).await;
        let (here, there) = (FolderBookmarks::of(&log), FolderBookmarks::of(&log));
        fanjet_log::contract::bookmarks_are_found_again(&here, &there).await;
        drop((log, here, there));
        let log = open(folder.path()).await;
        let bookmarks = FolderBookmarks::of(&log);
        assert_eq!(bookmarks.get("one").await.unwrap().unwrap(), "11");
        assert!(log.bounds().await.unwrap().is_empty());
    }
}
