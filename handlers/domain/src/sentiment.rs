//! Sentiment of a text: how well or ill it speaks of what it is about.
//!
//! One function, so that a managed service can take the place of what is behind it: the rules and the lexicon of VADER (Hutto and Gilbert
//! 2014), for English. A text in another language has no word that the lexicon knows, and is neutral.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use vader_parity::SentimentIntensityAnalyzer;

/// What scored a text: the rules and lexicon of that version of the reference.
pub const MODEL: &str = "vader-3.3.2";

/// A compound score nearer to zero than this is neutral.
const NEUTRAL: f64 = 0.05;

/// Characters of a text that are looked at: as many as a comment may have, so that whoever calls, the time is bounded.
const LONGEST: usize = 4000;

/// How a text sounds, and what said so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    /// What scored it.
    pub model: String,
    /// In one word.
    pub label: Label,
    /// From -1, as bad as can be, to 1; four decimals.
    pub compound: f64,
    /// How many of its words the model knows the sentiment of.
    pub hits: i32,
}

/// A sentiment in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Label {
    /// It speaks well.
    Positive,
    /// Neither, or nothing is known of it.
    Neutral,
    /// It speaks ill.
    Negative,
}

impl Label {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.as_str().to_owned()
    }
}

impl TryFrom<String> for Label {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let labels = [Self::Positive, Self::Neutral, Self::Negative];
        labels.into_iter().find(|label| label.as_str() == text).ok_or("must be positive, neutral or negative")
    }
}

impl Sentiment {
    /// The compound score in ten-thousandths: sums of them are exact in any order.
    #[expect(clippy::cast_possible_truncation, reason = "at most ten thousand, and what is no number is zero")]
    pub fn ten_thousandths(&self) -> i64 {
        (self.compound.clamp(-1.0, 1.0) * 10_000.0).round() as i64
    }

    /// What is wrong with a score that somebody else made: the field, and what it must be.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let is_name = (1..=100).contains(&self.model.len()) && self.model.bytes().all(|byte| byte.is_ascii_graphic());
        match () {
            () if !is_name => Err(("sentiment.model", "must be 1 to 100 visible characters of ASCII")),
            () if !(-1.0..=1.0).contains(&self.compound) => Err(("sentiment.compound", "must be from -1 to 1")),
            () if self.hits < 0 => Err(("sentiment.hits", "must not be negative")),
            () => Ok(()),
        }
    }
}

/// The sentiment of a text.
pub fn of(text: &str) -> Sentiment {
    // Reading the lexicon takes milliseconds, and nobody may ever ask.
    static ANALYZER: LazyLock<SentimentIntensityAnalyzer> = LazyLock::new(SentimentIntensityAnalyzer::new);
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    let text = &text[..end];
    let compound = ANALYZER.polarity_scores(text).compound;
    let label = match compound {
        _ if compound >= NEUTRAL => Label::Positive,
        _ if compound <= -NEUTRAL => Label::Negative,
        _ => Label::Neutral,
    };
    let is_known = |word: &&str| {
        let scores = ANALYZER.polarity_scores(word);
        scores.pos > 0.0 || scores.neg > 0.0
    };
    let hits = i32::try_from(text.split_whitespace().filter(is_known).count()).unwrap_or(i32::MAX);
    Sentiment { model: MODEL.to_owned(), label, compound, hits }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_text_is_as_it_sounds_and_one_that_nothing_is_known_of_is_neutral() {
        for (text, label, has_hits) in [
            ("The mic is great and I love it.", Label::Positive, true),
            ("What a waste of money!", Label::Negative, true),
            ("Not good.", Label::Negative, true),
            ("It is a cable.", Label::Neutral, false),
            ("Das Kabel ist nach zwei Tagen gerissen.", Label::Neutral, false),
            ("很好", Label::Neutral, false),
            ("", Label::Neutral, false),
        ] {
            let sentiment = of(text);
            assert_eq!((sentiment.label, sentiment.hits > 0), (label, has_hits), "{text}: {sentiment:?}");
            assert_eq!(has_hits, sentiment.compound != 0.0, "{text}: {sentiment:?}");
            assert_eq!((sentiment.model.as_str(), sentiment.check()), (MODEL, Ok(())));
        }
        assert_eq!(of("Great!").ten_thousandths(), 6588);
    }

    /// What is done for a character is bounded, whatever stands around it. The bound is generous: debug builds, busy machines.
    #[test]
    fn the_longest_texts_take_a_bounded_time() {
        for text in [
            "bad ".repeat(1000),
            "a ".repeat(2000),
            "good but ".repeat(444),
            "\u{1f600}".repeat(4000),
            "\u{1f600} ".repeat(2000),
            "no no ".repeat(666),
            "very VERY not good ".repeat(210),
            "!".repeat(4000),
            format!("{}good{}", "!".repeat(1998), "?".repeat(1998)),
            "e\u{301}".repeat(2000),
            "x".repeat(10_000_000),
        ] {
            let began = Instant::now();
            let sentiment = of(&text);
            let took = began.elapsed();
            assert!(took < Duration::from_secs(3), "{:.20}: {took:?}", text);
            assert_eq!(sentiment.check(), Ok(()));
        }
    }

    /// 932 sentences of reviews (UCI, "Sentiment Labelled Sentences", Kotzias et al. 2015), each known to praise or to blame.
    #[test]
    #[cfg_attr(not(real_data), ignore = "the real data set is not here")]
    fn real_reviews_are_understood_as_well_as_by_the_reference() {
        let path = concat!(env!("REAL_DATA"), "/reviews-sentiment/amazon_cells_labelled.txt");
        let text = std::fs::read_to_string(path).expect(path);
        let (mut sentences, mut right, mut decided, mut right_of_the_decided) = (0_u32, 0_u32, 0_u32, 0_u32);
        for line in text.lines() {
            let (sentence, praises) = line.rsplit_once('\t').expect("a sentence and its label");
            let (sentiment, praises) = (of(sentence), praises.trim() == "1");
            let is_right = (sentiment.compound > 0.0) == praises;
            sentences += 1;
            right += u32::from(is_right);
            if sentiment.label != Label::Neutral {
                decided += 1;
                right_of_the_decided += u32::from(is_right);
            }
            assert!(sentiment.hits > 0 || sentiment.compound == 0.0, "{sentence}: {sentiment:?}");
        }
        let percent = |part: u32, whole: u32| f64::from(part) / f64::from(whole) * 100.0;
        let (all, of_the_decided) = (percent(right, sentences), percent(right_of_the_decided, decided));
        assert_eq!(sentences, 932);
        assert!((all - 84.4).abs() <= 0.2, "right of all: {all:.2} %");
        assert!((of_the_decided - 89.1).abs() <= 0.2, "right of the decided: {of_the_decided:.2} %");
    }
}
