//! A key or certificate in a channels file: the text itself, or the name of a file that holds it.

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The text itself, or `{ file = "…" }`; a relative name is looked for beside the channels file.
/// `Debug` shows the name and never the text.
pub enum Source {
    /// The text.
    Inline(Zeroizing<String>),
    /// Where the text is.
    File(PathBuf),
}

impl Source {
    /// The text without white space around it.
    ///
    /// # Errors
    /// A sentence naming the file that cannot be read.
    pub fn text(&self, directory: &Path) -> Result<Zeroizing<String>, String> {
        match self {
            Source::Inline(text) => Ok(Zeroizing::new(text.trim().to_owned())),
            Source::File(name) => {
                let path = directory.join(name);
                let text = std::fs::read_to_string(&path)
                    .map(Zeroizing::new)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                Ok(Zeroizing::new(text.trim().to_owned()))
            }
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Inline(_) => f.write_str("***"),
            Source::File(name) => write!(f, "file {}", name.display()),
        }
    }
}

const EXPECTED: &str = "text, or { file = \"…\" }";

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrFile;
        /// Without the value, which serde would repeat: it may be a secret without its quotes.
        fn wrong<E: Error>(what: &str) -> E {
            E::custom(format!("found {what}, expected {EXPECTED}"))
        }
        impl<'de> Visitor<'de> for TextOrFile {
            type Value = Source;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Source, E> {
                Ok(Source::Inline(Zeroizing::new(text.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Named {
                    file: PathBuf,
                }
                let named = Named::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Source::File(named.file))
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Source, E> {
                Err(wrong("true or false"))
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Source, E> {
                Err(wrong("a number"))
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Source, E> {
                Err(wrong("a number"))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Source, E> {
                Err(wrong("a number"))
            }
        }
        deserializer.deserialize_any(TextOrFile)
    }
}
