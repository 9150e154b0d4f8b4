//! The documents: edges, waits, fetches.

use std::mem::size_of;
use std::time::Instant;

use super::{Asker, Cache, Fill};
use crate::family::{StoredDoc, Wait};
use crate::lobby::Home;
use crate::store::NONE;
use crate::{
    Answer, Body, Cap, Document, Error, FillId, Fresh, Output, Point, SERIES_MAX, Series, Via, Want,
};

/// How many waits a list grows by.
const WAITS_STEP: usize = 8;

impl Cache {
    /// Says that `series` of a rendition has reached `point`. Its documents are outdated, and those who
    /// wait for a point that is reached get the next version, of which one is fetched. A point that was
    /// reached before changes nothing.
    ///
    /// # Errors
    /// [`Error::Series`], [`Error::Renditions`], [`Error::Budget`].
    pub fn advance(
        &mut self,
        now: Instant,
        stream: u32,
        rendition: u32,
        series: Series,
        point: Point,
    ) -> Result<(), Error> {
        self.clock.tick(now);
        if series.0 >= SERIES_MAX {
            return Err(Error::Series { series });
        }
        let at = self.family_entry(stream, rendition)?;
        if let Some(family) = self.families.get_mut(at)
            && family.edges.raise(series, point)
        {
            family.finished = false;
            self.renew(at);
        }
        Ok(())
    }

    /// Says that the documents of a rendition changed though no edge moved. Also how a rendition is
    /// announced that has documents and no edges.
    ///
    /// # Errors
    /// [`Error::Renditions`], [`Error::Budget`].
    pub fn outdate(&mut self, now: Instant, stream: u32, rendition: u32) -> Result<(), Error> {
        self.clock.tick(now);
        let at = self.family_entry(stream, rendition)?;
        self.renew(at);
        Ok(())
    }

    /// Says that no edge of a stream moves any more: every wait for one of its documents ends with the
    /// last version. What is stored is kept, and its documents do not yield to pressure.
    pub fn finish(&mut self, now: Instant, stream: u32) {
        self.clock.tick(now);
        for position in self.families.of_stream(stream) {
            let Some(at) = self.families.at(position) else {
                continue;
            };
            if let Some(family) = self.families.get_mut(at) {
                family.finished = true;
            }
            self.renew(at);
        }
    }

    /// Brings what a fetch has made, or the status that says why there is nothing. Exactly once for each
    /// [`Output::Fetch`]; until then nothing else is fetched for that document.
    ///
    /// The document answers all whose point it has reached. Those who wait for a later one get the
    /// next version; on a failure those whose document it was are answered [`Answer::Failed`].
    ///
    /// # Errors
    /// [`Error::UnknownFill`]; [`Error::EmptyFill`], [`Error::TooLargeFill`] and [`Error::Budget`], with which
    /// those who wait are answered as after a failure with 503.
    pub fn fill(
        &mut self,
        now: Instant,
        fill: FillId,
        result: Result<Fresh, u16>,
    ) -> Result<(), Error> {
        self.clock.tick(now);
        let known = self
            .fills
            .get(fill.index())
            .filter(|known| known.handed_out && known.serial == fill.serial());
        let known = *known.ok_or(Error::UnknownFill { fill })?;
        self.fills.remove(fill.index());
        if let Some(doc) = self
            .families
            .get_mut(known.family)
            .and_then(|family| family.document_mut(known.form))
        {
            doc.fill = NONE;
        }
        match result {
            Ok(fresh) => {
                let stored = self
                    .check_fresh(fill, &fresh)
                    .and_then(|()| self.store_document(known, &fresh));
                if stored.is_err() {
                    self.fail(known, 503);
                }
                stored
            }
            Err(status) => {
                self.fail(known, status);
                Ok(())
            }
        }
    }

    pub(super) fn request_document(
        &mut self,
        document: Document,
        after: Option<(Series, Point)>,
        asker: Asker,
    ) -> Answer {
        let Document {
            stream,
            rendition,
            form,
        } = document;
        let Some(at) = self.families.find(stream, rendition) else {
            return Answer::Unknown;
        };
        let Some(family) = self.families.get(at) else {
            return Answer::Unknown;
        };
        let current = family.current(form);
        if let Some(stored) = current.filter(|stored| stored.satisfies(after)) {
            return Answer::Hit(stored.body.clone());
        }
        let Some(until) = self.hold_until(asker.deadline) else {
            return Answer::Expired;
        };
        // A current version that does not satisfy is fetched again when something has changed.
        let due = current.is_none() && family.is_due(after);
        let Some(family) = self.families.get_mut(at) else {
            return Answer::Unknown;
        };
        let limits = &self.config.limits;
        let Some(doc) = family.document_entry(form, limits.forms) else {
            return Answer::Refused(Cap::Forms);
        };
        let known = doc.waits.iter().position(|wait| wait.after == after);
        let full = doc.waits.len() == doc.waits.capacity();
        // Whoever wants what is current waits for no point, and is let in however many points are waited for.
        let points = doc.waits.iter().filter(|wait| wait.after.is_some());
        if known.is_none() && after.is_some() && points.count() >= limits.points as usize {
            return Answer::Refused(Cap::Points);
        }
        let growth = if known.is_none() && full {
            WAITS_STEP.saturating_mul(size_of::<Wait>())
        } else {
            0
        };
        if let Err(cap) = self
            .lobby
            .admit(asker.token, asker.client, doc.waiting, growth)
        {
            return Answer::Refused(cap);
        }
        doc.waiting = doc.waiting.saturating_add(1);
        let group = match known.and_then(|known| doc.waits.get_mut(known)) {
            Some(wait) => {
                wait.due |= due;
                wait.group
            }
            None => {
                let before = waits_bytes(&doc.waits);
                if full {
                    doc.waits.reserve_exact(WAITS_STEP);
                }
                let group = self.lobby.open(Home::Document { family: at, form });
                doc.waits.push(Wait { after, due, group });
                self.lobby
                    .add_waits_bytes(waits_bytes(&doc.waits).saturating_sub(before));
                group
            }
        };
        self.lobby.wait(group, asker.token, asker.client, until);
        self.fetch_if_due(at, form);
        Answer::Held
    }

    /// Takes out the next fetch. Which version it will be is settled now, since the caller makes it now.
    pub(super) fn poll_fetch(&mut self) -> Option<Output> {
        while let Some(index) = self.fetches.pop_front() {
            let Some(fill) = self.fills.get_mut(index) else {
                continue;
            };
            let Some(family) = self.families.get_mut(fill.family) else {
                continue;
            };
            let (stream, rendition, form) = (family.stream, family.rendition, fill.form);
            (fill.version, fill.last, fill.handed_out) = (family.version, family.finished, true);
            let id = FillId::new(index, fill.serial);
            let Some(doc) = family.document_mut(form) else {
                continue;
            };
            if doc.waits.iter().any(|wait| wait.due) {
                self.counters.fetched = self.counters.fetched.saturating_add(1);
                let want = Want::current(Document {
                    stream,
                    rendition,
                    form,
                });
                return Some(Output::Fetch { fill: id, want });
            }
            // All who wanted it have left.
            doc.fill = NONE;
            self.fills.remove(index);
        }
        None
    }

    /// Outdates the documents of a rendition, and fetches those for which someone waits.
    fn renew(&mut self, at: u32) {
        let Some(family) = self.families.get_mut(at) else {
            return;
        };
        family.version = family.version.wrapping_add(1);
        self.mark_due(at);
    }

    /// Marks the waits of outdated documents whose point is reached.
    fn mark_due(&mut self, at: u32) {
        let Some(family) = self.families.get_mut(at) else {
            return;
        };
        let (edges, finished, version) = (family.edges, family.finished, family.version);
        let documents = family.documents.len();
        for doc in &mut family.documents {
            if doc
                .stored
                .as_ref()
                .is_some_and(|stored| stored.version == version)
            {
                continue;
            }
            for wait in &mut doc.waits {
                let reached = wait
                    .after
                    .is_none_or(|(series, point)| edges.reached(series, point));
                wait.due |= finished || reached;
            }
        }
        for position in 0..documents {
            let doc = self
                .families
                .get(at)
                .and_then(|family| family.documents.get(position));
            if let Some(form) = doc.map(|doc| doc.form) {
                self.fetch_if_due(at, form);
            }
        }
    }

    /// Starts a fetch if someone waits for one and none is under way.
    fn fetch_if_due(&mut self, at: u32, form: u8) {
        let Some(doc) = self
            .families
            .get_mut(at)
            .and_then(|family| family.document_mut(form))
        else {
            return;
        };
        if doc.fill == NONE && doc.waits.iter().any(|wait| wait.due) {
            self.serial = self.serial.wrapping_add(1);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the serial tells neighbours apart"
            )]
            let serial = self.serial as u32;
            let fill = Fill {
                family: at,
                form,
                handed_out: false,
                last: false,
                serial,
                version: 0,
            };
            doc.fill = self.fills.insert(fill);
            self.fetches.push_back(doc.fill);
        }
    }

    fn check_fresh(&self, fill: FillId, fresh: &Fresh) -> Result<(), Error> {
        let most = self.config.limits.document_bytes;
        let bytes = fresh
            .gzip
            .as_ref()
            .map_or(0, bytes::Bytes::len)
            .max(fresh.body.len());
        if fresh.body.is_empty() || fresh.gzip.as_ref().is_some_and(bytes::Bytes::is_empty) {
            Err(Error::EmptyFill { fill })
        } else if bytes > most {
            Err(Error::TooLargeFill { fill, bytes, most })
        } else {
            Ok(())
        }
    }

    fn store_document(&mut self, fill: Fill, fresh: &Fresh) -> Result<(), Error> {
        let (at, form) = (fill.family, fill.form);
        let old = self
            .families
            .get_mut(at)
            .and_then(|family| family.document_mut(form)?.stored.take());
        if let Some(old) = old {
            self.ledger.release(old.entry);
            self.counters.documents = self.counters.documents.saturating_sub(1);
        }
        self.make_room(Body::document_bytes(fresh).saturating_add(self.ledger.growth()))?;
        let (body, entry) = self
            .ledger
            .charge(Body::document(fresh, self.clock.now()), Box::default());
        let Some(family) = self.families.get_mut(at) else {
            return Ok(());
        };
        let mut version = fill.version;
        let raised = family.edges.raise_all(&fresh.edges);
        if raised {
            // News that the fill itself brought: it is current with them, the other forms are not.
            let was_current = version == family.version;
            family.version = family.version.wrapping_add(1);
            if was_current {
                version = family.version;
            }
        }
        let outdated = version != family.version;
        // The stream may have been opened again while this was made.
        let last = fill.last && family.finished && !outdated;
        let Some(doc) = family.document_mut(form) else {
            return Ok(());
        };
        let stored = StoredDoc {
            body,
            edges: fresh.edges,
            entry,
            last,
            version,
        };
        let mut via = Via::Fetched;
        for wait in &mut doc.waits {
            if stored.satisfies(wait.after) {
                let waiting = self.lobby.len(wait.group);
                doc.waiting = doc.waiting.saturating_sub(waiting);
                self.ledger.hold(entry);
                let unused =
                    self.lobby
                        .answer(wait.group, Answer::Hit(stored.body.clone()), via, entry);
                self.ledger.release(unused);
                via = Via::Collapsed;
                wait.group = NONE;
            } else {
                // It came with less than was said to be there: they wait until something changes.
                wait.due &= outdated;
            }
        }
        doc.waits.retain(|wait| wait.group != NONE);
        doc.stored = Some(stored);
        self.counters.documents = self.counters.documents.saturating_add(1);
        self.counters.published = self.counters.published.saturating_add(1);
        if raised {
            self.mark_due(at);
        }
        self.fetch_if_due(at, form);
        Ok(())
    }

    /// Answers those whose document a failed fetch was.
    fn fail(&mut self, fill: Fill, status: u16) {
        let doc = self
            .families
            .get_mut(fill.family)
            .and_then(|family| family.document_mut(fill.form));
        let Some(doc) = doc else { return };
        for wait in &mut doc.waits {
            if wait.due {
                doc.waiting = doc.waiting.saturating_sub(self.lobby.len(wait.group));
                self.lobby
                    .answer(wait.group, Answer::Failed(status), Via::Held, NONE);
                wait.group = NONE;
            }
        }
        doc.waits.retain(|wait| wait.group != NONE);
    }
}

/// Bytes that a list of waits has allocated.
pub(super) fn waits_bytes(waits: &Vec<Wait>) -> usize {
    waits.capacity().saturating_mul(size_of::<Wait>())
}
