//! How far a stage's numbering has come: kept on disk before the numbers are used, so that none of them ever goes
//! back or names another object, whatever happens to the process, the box or its clock.

use std::path::{Path, PathBuf};

use backline_examples::adapt::files::{self, FileError};
use backline_hls::Numbering;

/// The numbers that a stage may have given out before a restart.
///
/// They are reserved ahead, so that the disk is touched about once a minute. Two copies are written one after the
/// other, each in one step and with a check: a power cut that tears one leaves the other, and what that one reserved is
/// more than was used.
#[derive(Debug)]
pub(crate) struct Mark {
    paths: [PathBuf; 2],
    reserved: Numbering,
    lost: bool,
}

impl Mark {
    /// Opens the mark of stage `name`; returns it and the first numbers that were never used.
    pub(crate) fn open(data: &Path, name: &str) -> Result<(Self, Numbering), FileError> {
        files::make_dir(data)?;
        let paths = ["mark", "mark2"].map(|ending| data.join(format!("{name}.{ending}")));
        let mut reserved = Numbering::default();
        let (mut sound, mut damaged) = (0, 0);
        for path in &paths {
            let Some(text) = files::read(path)? else {
                continue;
            };
            match parse(&text) {
                Some(found) => {
                    sound += 1;
                    reserved = highest(reserved, found);
                }
                None => {
                    damaged += 1;
                    tracing::warn!(
                        file = %path.display(),
                        "this copy of the numbering is damaged, as by a power cut"
                    );
                }
            }
        }
        let lost = sound == 0 && damaged > 0;
        if lost {
            tracing::error!(
                stage = %name,
                "no sound copy of the numbering is left: numbers follow the wall clock; players may have to load the page again; check the disk of --data"
            );
        }
        let mark = Self {
            paths,
            reserved,
            lost,
        };
        Ok((mark, reserved))
    }

    /// Whether there was a numbering and nothing is left of it.
    pub(crate) const fn lost(&self) -> bool {
        self.lost
    }

    /// Reserves numbers beyond `used` when half of those on disk have gone. Touches the disk, so it is called from a
    /// thread that may wait.
    pub(crate) fn raise(&mut self, used: Numbering) -> Result<(), FileError> {
        let half = ahead(used, 2);
        if highest(half, self.reserved) == self.reserved {
            return Ok(());
        }
        let reserved = highest(ahead(used, 1), self.reserved);
        let text = write(reserved);
        for path in &self.paths {
            files::replace(path, &text)?;
        }
        self.reserved = reserved;
        Ok(())
    }
}

/// Numbers beyond `used`: about two minutes of segments and seven of parts, and more publishers and configurations than
/// come in that time. Discontinuity numbers stay small, since hls.js counts through all of them.
fn ahead(used: Numbering, divisor: u64) -> Numbering {
    Numbering::new(
        used.msn.saturating_add(64 / divisor),
        used.discontinuity_sequence.saturating_add(16 / divisor),
        used.part.saturating_add(8_192 / divisor),
        used.init.saturating_add(64 / divisor),
    )
}

/// Each number the higher of the two.
pub(crate) fn highest(one: Numbering, other: Numbering) -> Numbering {
    Numbering::new(
        one.msn.max(other.msn),
        one.discontinuity_sequence.max(other.discontinuity_sequence),
        one.part.max(other.part),
        one.init.max(other.init),
    )
}

fn write(numbering: Numbering) -> String {
    let Numbering {
        msn,
        discontinuity_sequence,
        part,
        init,
        ..
    } = numbering;
    let numbers = format!("{msn} {discontinuity_sequence} {part} {init}");
    format!("{numbers} {:016x}\n", check(&numbers))
}

/// `None` for anything but what [`write`] makes.
fn parse(text: &str) -> Option<Numbering> {
    let (numbers, sum) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    if sum != format!("{:016x}", check(numbers)) {
        return None;
    }
    let mut words = numbers.split(' ').map(|word| word.parse::<u64>().ok());
    let mut next = || {
        words
            .next()
            .flatten()
            .filter(|number| *number <= NUMBER_MAX)
    };
    let numbering = Numbering::new(next()?, next()?, next()?, next()?);
    words.next().is_none().then_some(numbering)
}

/// FNV-1a: it has to notice a torn file, and nobody forges one.
fn check(text: &str) -> u64 {
    let step = |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Half of what a presentation takes: one that is begun goes on for long.
const NUMBER_MAX: u64 = 1 << 51;

#[cfg(test)]
mod tests;
