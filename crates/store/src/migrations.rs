//! The numbered files that bring a database's tables up to date, and which of them were applied.

use backstay_core::{Error, ErrorCode};
use sha2::{Digest as _, Sha256};

/// A step from one schema to the next. Once released, its text never changes.
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

pub(crate) const SQLITE: &[Migration] = &[
    Migration {
        version: 1,
        name: "initial",
        sql: include_str!("../migrations/sqlite/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "memory",
        sql: include_str!("../migrations/sqlite/0002_memory.sql"),
    },
    Migration {
        version: 3,
        name: "threads_by_scope",
        sql: include_str!("../migrations/sqlite/0003_threads_by_scope.sql"),
    },
    Migration {
        version: 4,
        name: "catalogue",
        sql: include_str!("../migrations/sqlite/0004_catalogue.sql"),
    },
    Migration {
        version: 5,
        name: "responses",
        sql: include_str!("../migrations/sqlite/0005_responses.sql"),
    },
    Migration {
        version: 6,
        name: "money",
        sql: include_str!("../migrations/sqlite/0006_money.sql"),
    },
    Migration {
        version: 7,
        name: "answers",
        sql: include_str!("../migrations/sqlite/0007_answers.sql"),
    },
    Migration {
        version: 8,
        name: "usage_details",
        sql: include_str!("../migrations/sqlite/0008_usage_details.sql"),
    },
    Migration {
        version: 9,
        name: "response_cache",
        sql: include_str!("../migrations/sqlite/0009_response_cache.sql"),
    },
    Migration {
        version: 10,
        name: "rates",
        sql: include_str!("../migrations/sqlite/0010_rates.sql"),
    },
    Migration {
        version: 11,
        name: "key_changes",
        sql: include_str!("../migrations/sqlite/0011_key_changes.sql"),
    },
    Migration {
        version: 12,
        name: "retrieval",
        sql: include_str!("../migrations/sqlite/0012_retrieval.sql"),
    },
    Migration {
        version: 13,
        name: "partitions",
        sql: include_str!("../migrations/sqlite/0013_partitions.sql"),
    },
    Migration {
        version: 14,
        name: "budget_slices",
        sql: include_str!("../migrations/sqlite/0014_budget_slices.sql"),
    },
    Migration {
        version: 15,
        name: "idempotent_calls",
        sql: include_str!("../migrations/sqlite/0015_idempotent_calls.sql"),
    },
    Migration {
        version: 16,
        name: "documents",
        sql: include_str!("../migrations/sqlite/0016_documents.sql"),
    },
    Migration {
        version: 17,
        name: "assistants",
        sql: include_str!("../migrations/sqlite/0017_assistants.sql"),
    },
    Migration {
        version: 18,
        name: "document_summaries",
        sql: include_str!("../migrations/sqlite/0018_document_summaries.sql"),
    },
    Migration {
        version: 19,
        name: "device_logins",
        sql: include_str!("../migrations/sqlite/0019_device_logins.sql"),
    },
];

/// Begins with what SQLite's first seven make together.
pub(crate) const POSTGRES: &[Migration] = &[
    Migration {
        version: 7,
        name: "initial",
        sql: include_str!("../migrations/postgres/0007_initial.sql"),
    },
    Migration {
        version: 8,
        name: "usage_details",
        sql: include_str!("../migrations/postgres/0008_usage_details.sql"),
    },
    Migration {
        version: 9,
        name: "response_cache",
        sql: include_str!("../migrations/postgres/0009_response_cache.sql"),
    },
    Migration {
        version: 10,
        name: "rates",
        sql: include_str!("../migrations/postgres/0010_rates.sql"),
    },
    Migration {
        version: 11,
        name: "key_changes",
        sql: include_str!("../migrations/postgres/0011_key_changes.sql"),
    },
    Migration {
        version: 12,
        name: "retrieval",
        sql: include_str!("../migrations/postgres/0012_retrieval.sql"),
    },
    Migration {
        version: 13,
        name: "partitions",
        sql: include_str!("../migrations/postgres/0013_partitions.sql"),
    },
    Migration {
        version: 14,
        name: "budget_slices",
        sql: include_str!("../migrations/postgres/0014_budget_slices.sql"),
    },
    Migration {
        version: 15,
        name: "idempotent_calls",
        sql: include_str!("../migrations/postgres/0015_idempotent_calls.sql"),
    },
    Migration {
        version: 16,
        name: "documents",
        sql: include_str!("../migrations/postgres/0016_documents.sql"),
    },
    Migration {
        version: 17,
        name: "assistants",
        sql: include_str!("../migrations/postgres/0017_assistants.sql"),
    },
    Migration {
        version: 18,
        name: "document_summaries",
        sql: include_str!("../migrations/postgres/0018_document_summaries.sql"),
    },
    Migration {
        version: 19,
        name: "device_logins",
        sql: include_str!("../migrations/postgres/0019_device_logins.sql"),
    },
];

/// What was applied must be a beginning of what is known.
pub(crate) fn check(
    applied: &[(u32, String)],
    known: &[Migration],
    place: &str,
) -> Result<(), Error> {
    let newest = known.last().map_or(0, |migration| migration.version);
    for (index, (version, applied_checksum)) in applied.iter().enumerate() {
        if *version > newest {
            return Err(refused(format!(
                "the {place} was written by a newer Backstay (schema {version}, this one knows \
                 {newest}); start that version, or restore a backup made before the upgrade"
            )));
        }
        let same = known
            .get(index)
            .is_some_and(|m| m.version == *version && checksum(m.sql) == *applied_checksum);
        if !same {
            return Err(refused(format!(
                "migration {version} of the {place} is not the one that this Backstay knows; \
                 it was written by a modified or unreleased version: start that one, or restore a \
                 backup"
            )));
        }
    }
    Ok(())
}

fn refused(message: String) -> Error {
    Error::new(ErrorCode::StoreUnavailable, message)
}

/// SHA-256 in hexadecimal. Line ends do not count, so that a checkout on another system agrees.
pub(crate) fn checksum(sql: &str) -> String {
    let digest = Sha256::digest(sql.replace("\r\n", "\n"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps() {
        for (index, migration) in SQLITE.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1);
        }
        let newest = |known: &[Migration]| known.last().map(|migration| migration.version);
        assert_eq!(newest(SQLITE), newest(POSTGRES), "a change is a file in both folders");
        assert!(POSTGRES.windows(2).all(|two| two[0].version + 1 == two[1].version));
    }
}
