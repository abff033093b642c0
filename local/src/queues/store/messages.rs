//! Messages: put, take, look at, change, delete.

use std::time::Duration;

use uuid::Uuid;

use super::{Edit, IndexKey, Queue, QueueRecord, SWEEP, Store, encode};
use crate::{
    queues::{
        error::Failure,
        message::{DEFAULT_LIFE, MAX_TEXT, Message, Receipt, Record},
        names::QueueName,
    },
    storage_account::{Code, Refusal, xml},
};

/// How long a message lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::queues) enum Life {
    For(Duration),
    Forever,
}

impl Default for Life {
    fn default() -> Self {
        Self::For(DEFAULT_LIFE)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Store {
    /// Puts a message that can be taken after `delay`.
    ///
    /// # Errors
    /// [`Code::QueueNotFound`], [`Code::RequestBodyTooLarge`]; [`Code::InvalidQueryParameterValue`] for a message that
    /// would end before it is visible.
    pub(in crate::queues) fn put(
        &self,
        name: &QueueName,
        text: String,
        delay: Duration,
        life: Life,
    ) -> Result<Message, Failure> {
        check_text(&text)?;
        let mut state = self.lock();
        let sequence = state.last_sequence + 1;
        let queue = state.queue_mut(name)?;
        self.sweep(queue)?;
        let now = self.clock.now_millis();
        let record = Record {
            sequence,
            text,
            inserted: now,
            expires: match life {
                Life::For(life) => Some(now.saturating_add(millis(life))),
                Life::Forever => None,
            },
            visible: now.saturating_add(millis(delay)),
            receipt: Receipt::new(),
            dequeued: 0,
        };
        if record.expires.is_some_and(|end| end <= record.visible) {
            let detail = "Parameter: visibilitytimeout; it must be less than messagettl.";
            return Err(Refusal::new(Code::InvalidQueryParameterValue, detail).into());
        }
        let id = Uuid::new_v4();
        let mut batch = self.storage.batch();
        self.write(&mut batch, queue.key(id), &record)?;
        batch.commit()?;
        queue.index.insert(id, IndexKey::of(&record));
        state.last_sequence = sequence;
        drop(state);
        self.announce();
        Ok(Message::new(id, record))
    }

    /// Takes up to `count` visible messages, which nobody else gets for `timeout`.
    ///
    /// # Errors
    /// [`Code::QueueNotFound`].
    pub(in crate::queues) fn take(
        &self,
        name: &QueueName,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Message>, Failure> {
        let mut state = self.lock();
        let queue = state.queue_mut(name)?;
        self.sweep(queue)?;
        let now = self.clock.now_millis();
        let ids: Vec<_> = queue.index.visible(now).take(count).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (mut batch, mut edits, mut taken) = (self.storage.batch(), Vec::new(), Vec::new());
        for id in ids {
            let mut record = self.read(&queue.key(id), id)?;
            let old = IndexKey::of(&record);
            record.visible = now.saturating_add(millis(timeout));
            record.receipt = Receipt::new();
            record.dequeued = record.dequeued.saturating_add(1);
            self.write(&mut batch, queue.key(id), &record)?;
            edits.push(Edit { id, old: Some(old), new: Some(IndexKey::of(&record)) });
            taken.push(Message::new(id, record));
        }
        // Who cannot take a message cannot delete it either.
        batch.leads_to_removals();
        batch.commit()?;
        queue.apply(edits);
        Ok(taken)
    }

    /// Up to `count` visible messages, which stay as they are.
    ///
    /// # Errors
    /// [`Code::QueueNotFound`].
    pub(in crate::queues) fn peek(&self, name: &QueueName, count: usize) -> Result<Vec<Message>, Failure> {
        let state = self.lock();
        let queue = state.queue(name)?;
        let ids = queue.index.visible(self.clock.now_millis()).take(count);
        ids.map(|id| Ok(Message::new(id, self.read(&queue.key(id), id)?))).collect()
    }

    /// Changes when a message can be taken again, and its text where one is given. The caller must be the last who took
    /// it.
    ///
    /// # Errors
    /// [`Code::QueueNotFound`], [`Code::MessageNotFound`], [`Code::PopReceiptMismatch`];
    /// [`Code::InvalidQueryParameterValue`] for a message that would end before it is visible.
    pub(in crate::queues) fn update(
        &self,
        name: &QueueName,
        id: Uuid,
        receipt: Receipt,
        timeout: Duration,
        text: Option<String>,
    ) -> Result<Message, Failure> {
        if let Some(text) = &text {
            check_text(text)?;
        }
        let mut state = self.lock();
        let queue = state.queue_mut(name)?;
        let mut record = self.held(queue, id, receipt)?;
        let old = IndexKey::of(&record);
        record.visible = self.clock.now_millis().saturating_add(millis(timeout));
        record.receipt = Receipt::new();
        if record.expires.is_some_and(|end| end <= record.visible) {
            let detail = "Parameter: visibilitytimeout; the message ends before.";
            return Err(Refusal::new(Code::InvalidQueryParameterValue, detail).into());
        }
        if let Some(text) = text {
            record.text = text;
        }
        let mut batch = self.storage.batch();
        self.write(&mut batch, queue.key(id), &record)?;
        batch.commit()?;
        queue.apply(vec![Edit { id, old: Some(old), new: Some(IndexKey::of(&record)) }]);
        drop(state);
        self.announce();
        Ok(Message::new(id, record))
    }

    /// # Errors
    /// [`Code::QueueNotFound`], [`Code::MessageNotFound`], [`Code::PopReceiptMismatch`].
    pub(in crate::queues) fn delete_message(
        &self,
        name: &QueueName,
        id: Uuid,
        receipt: Receipt,
    ) -> Result<(), Failure> {
        let mut state = self.lock();
        let queue = state.queue_mut(name)?;
        let record = self.held(queue, id, receipt)?;
        let mut batch = self.storage.batch();
        batch.remove(&self.messages, queue.key(id));
        batch.commit()?;
        queue.apply(vec![Edit { id, old: Some(IndexKey::of(&record)), new: None }]);
        Ok(())
    }

    /// Deletes all messages.
    ///
    /// # Errors
    /// [`Code::QueueNotFound`].
    pub(in crate::queues) fn clear(&self, name: &QueueName) -> Result<(), Failure> {
        let mut state = self.lock();
        let number = state.last_number + 1;
        let queue = state.queue_mut(name)?;
        let old = queue.record.number;
        let record = QueueRecord { number, ..queue.record.clone() };
        let mut batch = self.storage.batch();
        batch.insert(&self.queues, name.as_str(), encode(&record, "queue")?);
        batch.leads_to_removals();
        batch.commit()?;
        queue.record = record;
        queue.index.clear();
        state.last_number = number;
        drop(state);
        self.remove_messages_or_warn(old);
        Ok(())
    }

    /// When the next message of a queue can be taken, in milliseconds since the Unix epoch; `None` where there is none,
    /// or no such queue.
    pub(in crate::queues) fn next_visible(&self, name: &QueueName) -> Option<i64> {
        self.lock().queue(name).ok()?.index.next_visible(self.clock.now_millis())
    }

    /// The message `id`, if `receipt` is its last one.
    fn held(&self, queue: &Queue, id: Uuid, receipt: Receipt) -> Result<Record, Failure> {
        let Some(value) = self.messages.get(queue.key(id))? else {
            return Err(Code::MessageNotFound.into());
        };
        let record: Record = super::decode(&value, || format!("message {id}"))?;
        if record.expires.is_some_and(|end| end <= self.clock.now_millis()) {
            return Err(Code::MessageNotFound.into());
        }
        if record.receipt != receipt {
            return Err(Code::PopReceiptMismatch.into());
        }
        Ok(record)
    }

    /// Removes messages that have ended.
    fn sweep(&self, queue: &mut Queue) -> Result<(), Failure> {
        let now = self.clock.now_millis();
        let ended: Vec<_> = queue.index.ended(now).take(SWEEP).collect();
        if ended.is_empty() {
            return Ok(());
        }
        let (mut batch, mut edits) = (self.storage.batch(), Vec::new());
        for id in ended {
            let record = self.read(&queue.key(id), id)?;
            batch.remove(&self.messages, queue.key(id));
            edits.push(Edit { id, old: Some(IndexKey::of(&record)), new: None });
        }
        batch.commit()?;
        queue.apply(edits);
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_TEXT {
        let detail = format!("The text has {} bytes, at most {MAX_TEXT} are allowed.", text.len());
        return Err(Refusal::new(Code::RequestBodyTooLarge, detail));
    }
    // Whether written as they are or as references to characters: XML 1.0 has neither, so nobody could take the message.
    if let Some(character) = text.chars().find(|&character| !xml::allows(character)) {
        let detail = format!("XML cannot hold the character U+{:04X} of the text.", u32::from(character));
        return Err(Refusal::new(Code::InvalidXmlDocument, detail));
    }
    Ok(())
}
