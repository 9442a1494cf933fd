//! Why a channels file cannot be used. No message repeats a secret.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a channels file cannot be used.
#[derive(Debug, Error)]
pub enum ChannelsFileError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The channels file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is no TOML, or a field is missing, unknown or of the wrong type.
    #[error("{path}, line {line}: {problem}")]
    Form {
        /// The channels file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The field and what is wrong with it.
        problem: String,
    },
    /// A field's value cannot be used.
    #[error("{path}: {field}: {problem}")]
    Field {
        /// The channels file.
        path: PathBuf,
        /// The field, e.g. `wechat.private_key`.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// It describes no channel.
    #[error("{path}: it describes no channel; write a table [wechat] or [unionpay]")]
    Empty {
        /// The channels file.
        path: PathBuf,
    },
}

impl ChannelsFileError {
    /// A field that cannot be used.
    pub fn field(path: &Path, field: impl Into<String>, problem: impl ToString) -> Self {
        ChannelsFileError::Field {
            path: path.to_owned(),
            field: field.into(),
            problem: problem.to_string(),
        }
    }
}
