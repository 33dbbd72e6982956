//! The parts of an ARN that matter here: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
//! It checks no more than the form; an ARN of something else has these parts too.
//! Used wherever a stack's ARN says what no other field says.

fn part(arn: &str, index: usize) -> Option<&str> {
    arn.strip_prefix("arn:")?;
    arn.splitn(6, ':').nth(index).filter(|part| !part.is_empty())
}

/// The region; none of what is no ARN, is of a service without regions, or has something there that no region is called:
/// it goes into commands.
pub fn region(arn: &str) -> Option<&str> {
    part(arn, 3).filter(|region| region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
}

/// The account's 12 digits.
pub fn account(arn: &str) -> Option<&str> {
    part(arn, 4)
}

/// The name in a stack's ARN (`arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID`);
/// `None` where the text is no stack ARN.
pub fn stack_name(arn: &str) -> Option<&str> {
    part(arn, 5)?.strip_prefix("stack/")?.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_arn_are_found() {
        let arn = "arn:aws-us-gov:cloudformation:us-gov-west-1:111122223333:stack/Shop/7f1c";
        assert_eq!(
            (region(arn), account(arn), stack_name(arn)),
            (Some("us-gov-west-1"), Some("111122223333"), Some("Shop"))
        );
        assert_eq!(region("arn:aws:cloudformation:us-east-1$(x):111122223333:stack/Shop/7f1c"), None);
        for (other, expected) in [("Shop", None), ("a:b:c:d:e:stack/Shop/1", None), ("arn:aws:s3:::bucket", None)] {
            assert_eq!((region(other), stack_name(other)), (expected, None), "{other}");
        }
    }
}
