//! The `iotchain` command.

fn main() -> std::process::ExitCode {
    iotchain_node::cli::main()
}
