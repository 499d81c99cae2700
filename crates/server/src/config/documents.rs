//! `[documents]`: where the bytes of documents are kept, how much of them there may be, and what
//! reading one may take.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use backstay_core::{Error, Result, WorkspaceId};
use backstay_documents::Limits;
use backstay_engine::{DocumentLimits, DocumentOptions};
use backstay_providers::{BucketSpec, Environment};
use backstay_store::DocumentQuota;
use serde::Deserialize;

use super::provider_credentials::AwsSection;

/// In the data folder.
const FOLDER: &str = "documents";

/// `[documents.s3]`: a bucket in place of the folder. Holds secrets.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Section {
    bucket: String,
    /// What every key begins with.
    #[serde(default)]
    prefix: String,
    /// The store's address; Amazon's of the region when absent.
    #[serde(default)]
    endpoint: Option<String>,
    aws: AwsSection,
}

impl std::fmt::Debug for S3Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Section").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// `[documents.workspaces.ID]`: what is left out is as for every workspace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkspaceLimitsSection {
    file_bytes_max: Option<u64>,
    documents_max: Option<u64>,
    bytes_max: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentsSection {
    /// The folder of the bytes; `documents` in the data folder when absent. Servers that share a
    /// database need one that they share as well, or a bucket: then files lie here only while they come
    /// and are read.
    pub folder: Option<PathBuf>,
    pub s3: Option<S3Section>,
    pub file_bytes_max: u64,
    /// How many documents a workspace may have, and how many bytes they may have together.
    pub workspace_documents_max: u64,
    pub workspace_bytes_max: u64,
    /// Workspaces that may have more, or less, by their ids.
    pub workspaces: BTreeMap<String, WorkspaceLimitsSection>,
    /// What reading one file may take: pages, slides or sheets, seconds, and bytes of memory.
    pub parts_max: u32,
    pub seconds_max: u32,
    pub memory_bytes_max: u64,
    /// Files that are read at the same time, each in a process of its own.
    pub readers: u32,
}

impl Default for DocumentsSection {
    fn default() -> Self {
        let DocumentLimits { file_bytes_max, quota } = DocumentLimits::default();
        let limits = Limits::default();
        Self {
            folder: None,
            s3: None,
            file_bytes_max,
            workspace_documents_max: quota.documents,
            workspace_bytes_max: quota.bytes,
            workspaces: BTreeMap::new(),
            parts_max: limits.parts,
            seconds_max: limits.seconds,
            memory_bytes_max: limits.memory_bytes,
            readers: limits.processes,
        }
    }
}

impl WorkspaceLimitsSection {
    fn over(&self, of_every: DocumentLimits) -> DocumentLimits {
        DocumentLimits {
            file_bytes_max: self.file_bytes_max.unwrap_or(of_every.file_bytes_max),
            quota: DocumentQuota {
                documents: self.documents_max.unwrap_or(of_every.quota.documents),
                bytes: self.bytes_max.unwrap_or(of_every.quota.bytes),
            },
        }
    }
}

impl DocumentsSection {
    pub(super) fn check(&self) -> Result<()> {
        /// Less is not enough to read a page.
        const MEMORY_BYTES_MIN: u64 = 32 << 20;
        for (name, value) in [
            ("file_bytes_max", self.file_bytes_max),
            ("workspace_documents_max", self.workspace_documents_max),
            ("workspace_bytes_max", self.workspace_bytes_max),
            ("parts_max", self.parts_max.into()),
            ("seconds_max", self.seconds_max.into()),
            ("readers", self.readers.into()),
        ] {
            if value == 0 {
                return Err(Error::invalid(format!("documents.{name} must be above 0")));
            }
        }
        if self.memory_bytes_max < MEMORY_BYTES_MIN {
            return Err(Error::invalid(format!(
                "documents.memory_bytes_max must be at least {MEMORY_BYTES_MIN}"
            )));
        }
        for id in self.workspaces.keys() {
            if WorkspaceId::parse(id).is_none() {
                return Err(Error::invalid(format!(
                    "documents.workspaces.{id}: the id of a workspace begins with {}",
                    WorkspaceId::PREFIX
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn folder(&self, data: &Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| data.join(FOLDER))
    }

    /// The bucket, where there is one.
    pub(crate) fn bucket(&self, environment: &Environment) -> Result<Option<BucketSpec>> {
        let Some(S3Section { bucket, prefix, endpoint, aws }) = &self.s3 else { return Ok(None) };
        Ok(Some(BucketSpec {
            bucket: bucket.clone(),
            prefix: prefix.clone(),
            endpoint: endpoint.clone(),
            keys: aws.keys("documents.s3", environment)?,
        }))
    }

    pub(super) fn options(&self) -> DocumentOptions {
        let limits = DocumentLimits {
            file_bytes_max: self.file_bytes_max,
            quota: DocumentQuota {
                documents: self.workspace_documents_max,
                bytes: self.workspace_bytes_max,
            },
        };
        let of_workspace = |(id, own): (&String, &WorkspaceLimitsSection)| {
            Some((WorkspaceId::parse(id)?, own.over(limits)))
        };
        let of_workspaces: HashMap<_, _> =
            self.workspaces.iter().filter_map(of_workspace).collect();
        DocumentOptions { limits, of_workspaces }
    }

    /// Of any workspace: what a reader has to be ready for.
    fn largest_file(&self) -> u64 {
        let own = self.workspaces.values().filter_map(|limits| limits.file_bytes_max);
        own.fold(self.file_bytes_max, u64::max)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            file_bytes: self.largest_file(),
            parts: self.parts_max,
            seconds: self.seconds_max,
            memory_bytes: self.memory_bytes_max,
            processes: self.readers,
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_providers::Environment;

    use crate::config::Config;

    #[test]
    fn limits_are_taken_from_the_file_and_nonsense_is_refused_by_name() {
        let config = Config::parse("[documents]\nfile_bytes_max = 5\nreaders = 1").unwrap();
        assert_eq!(config.engine_options().documents.limits.file_bytes_max, 5);
        assert_eq!(config.documents.limits().processes, 1);
        for (line, named) in [
            ("seconds_max = 0", "documents.seconds_max"),
            ("memory_bytes_max = 1", "documents.memory_bytes_max"),
            ("foldr = \"x\"", "did you mean `folder`"),
            ("workspaces.other = { bytes_max = 1 }", "documents.workspaces.other"),
            ("workspaces.ws_a = { bites_max = 1 }", "did you mean `bytes_max`"),
            ("s3 = { bucket = \"b\" }", "missing field `aws`"),
        ] {
            let error = Config::parse(&format!("[documents]\n{line}")).unwrap_err();
            assert!(error.message().contains(named), "{error}");
        }
    }

    #[test]
    fn a_workspace_has_limits_of_its_own_where_the_file_gives_it_some() {
        let text = "[documents]\nfile_bytes_max = 5\nworkspaces.ws_a = { file_bytes_max = 9, documents_max = 3 }";
        let config = Config::parse(text).unwrap();
        let options = config.engine_options().documents;
        let own = options.of_workspaces[&backstay_core::WorkspaceId::parse("ws_a").unwrap()];
        assert_eq!((own.file_bytes_max, own.quota.documents), (9, 3));
        assert_eq!(own.quota.bytes, options.limits.quota.bytes);
        assert_eq!(config.documents.limits().file_bytes, 9, "the reader is ready for any of them");
    }

    #[test]
    fn a_buckets_keys_are_those_of_the_file_or_of_the_environment() {
        let text = "[documents.s3]\nbucket = \"b\"\naws = { region = \"r\" }";
        let config = Config::parse(text).unwrap();
        let missing = config.documents.bucket(&Environment::default()).err().unwrap();
        assert!(missing.message().contains("documents.s3: set aws.access_key_id"), "{missing}");
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")];
        let bucket = config.documents.bucket(&Environment::of(keys)).unwrap();
        assert_eq!(bucket.map(|spec| spec.bucket).as_deref(), Some("b"));
    }
}
