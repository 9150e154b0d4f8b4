//! The file of rules: read at the start and at SIGHUP; one that is wrong is refused with its line, and changes nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use backline_cache::rules::{Rule, Rules, RulesError};
use serde::Deserialize;
use toml::Spanned;

/// The rules that hold, which may be exchanged while the program runs.
#[derive(Debug)]
pub(crate) struct Rulebook {
    path: Option<PathBuf>,
    current: RwLock<Arc<Rules>>,
}

/// The rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulebookError {
    #[error("{path}:{line}:{column}: {source}", path = path.display())]
    Rule {
        path: PathBuf,
        line: usize,
        column: usize,
        source: RulesError,
    },
    #[error("{path}: {source}", path = path.display())]
    Set { path: PathBuf, source: RulesError },
    // What is printed shows line and column.
    #[error("{path}: {source}", path = path.display())]
    Toml {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Rule>>,
}

impl Rulebook {
    /// Reads the file, or takes the rules that come with the program.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, RulebookError> {
        let rules = read(path.as_deref())?;
        Ok(Self {
            path,
            current: RwLock::new(Arc::new(rules)),
        })
    }

    /// Reads the file again; on an error everything stays as it was.
    pub(crate) fn reload(&self) -> Result<(), RulebookError> {
        let rules = Arc::new(read(self.path.as_deref())?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = rules;
        Ok(())
    }

    /// The rules that hold now.
    pub(crate) fn current(&self) -> Arc<Rules> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(path: Option<&Path>) -> Result<Rules, RulebookError> {
    let Some(path) = path else {
        return parse(Path::new("rules.toml"), include_str!("rules.toml"));
    };
    let text = std::fs::read_to_string(path).map_err(|source| RulebookError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Rules, RulebookError> {
    let file: File = toml::from_str(text).map_err(|source| RulebookError::Toml {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let starts: Vec<usize> = file.rule.iter().map(|rule| rule.span().start).collect();
    let rules = file.rule.into_iter().map(Spanned::into_inner).collect();
    Rules::new(rules).map_err(|source| {
        let path = path.to_owned();
        let start = source.rule().and_then(|rule| starts.get(rule));
        let Some(before) = start.and_then(|start| text.get(..*start)) else {
            return RulebookError::Set { path, source };
        };
        let (line, column) = place(before);
        RulebookError::Rule {
            path,
            line,
            column,
            source,
        }
    })
}

/// Line and column of what follows `before`, from 1.
fn place(before: &str) -> (usize, usize) {
    let last = before.rsplit('\n').next().unwrap_or(before);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, last.chars().count() + 1)
}

#[cfg(test)]
mod tests;
