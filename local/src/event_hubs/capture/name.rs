//! Names of captured files.

use time::OffsetDateTime;

/// A name format in which all but the time is filled in.
#[derive(Clone, Debug)]
pub(super) struct NameFormat {
    format: String,
}

const TIME_TOKENS: [&str; 6] = ["{Year}", "{Month}", "{Day}", "{Hour}", "{Minute}", "{Second}"];

impl NameFormat {
    /// Fills in namespace, hub and partition. Fails with the token that `format` lacks; the service wants all of them.
    pub(super) fn new(format: &str, namespace: &str, hub: &str, partition: &str) -> Result<Self, &'static str> {
        let mut format = format.to_owned();
        for (token, value) in [("{Namespace}", namespace), ("{EventHub}", hub), ("{PartitionId}", partition)] {
            if !format.contains(token) {
                return Err(token);
            }
            format = format.replace(token, value);
        }
        match TIME_TOKENS.into_iter().find(|token| !format.contains(token)) {
            Some(token) => Err(token),
            None => Ok(Self { format }),
        }
    }

    /// The name of the file for the window that starts at `start`.
    pub(super) fn blob(&self, start: OffsetDateTime) -> String {
        let values = [
            start.year(),
            i32::from(u8::from(start.month())),
            i32::from(start.day()),
            i32::from(start.hour()),
            i32::from(start.minute()),
            i32::from(start.second()),
        ];
        let mut name = self.format.clone();
        for (token, value) in TIME_TOKENS.into_iter().zip(values) {
            name = name.replace(token, &format!("{value:02}"));
        }
        name + ".avro"
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn tokens_are_filled_in_and_all_are_required() {
        let format = "{EventHub}/{Namespace}/p{PartitionId}--{Year}-{Month}-{Day}--{Hour}-{Minute}-{Second}";
        let name = NameFormat::new(format, "contoso", "products", "3").unwrap();
        assert_eq!(name.blob(datetime!(2022-12-09 16:50:02 UTC)), "products/contoso/p3--2022-12-09--16-50-02.avro");
        let lacking = format.replace("{Minute}", "");
        assert_eq!(NameFormat::new(&lacking, "contoso", "products", "3").unwrap_err(), "{Minute}");
    }
}
