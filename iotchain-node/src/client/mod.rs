//! The client.
/// Ask for tokens, join groups and read resources.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {}
/// Runs the command.
///
/// # Errors
/// [`crate::NodeError`].
pub fn run(_args: Args, _stop: &crate::clock::Stop) -> Result<(), crate::NodeError> {
    Err(crate::NodeError::Config("this build has no client".into()))
}
