//! How to talk to the running roles by hand.

use std::path::Path;

use super::world::{World, group};

/// Prints the commands, ready to paste into a shell.
pub(super) fn explain(world: &World, directory: &Path) {
    let binary = std::env::current_exe().unwrap_or_else(|_| "iotchain".into());
    println!("\nThe roles go on until Ctrl-C. They were started with:");
    for role in [
        &world.ledger,
        &world.key_server,
        &world.proxy,
        &world.resource_server,
    ] {
        println!("  {}", role.command_line());
    }
    println!("\nPaste these first into another shell:");
    println!("  I={} D={}", binary.display(), directory.display());
    println!("  O=\"$I owner --data $D/owner\"");
    println!("  C=\"$I client --data $D/dave --catalogue $D/owner/catalogue.json\"");
    println!("\nA client of your own, from the grant to the revocation:");
    println!("  $O issue $($C address) --rs meter --class 0007 --roles get --ttl 3600");
    println!("  $C get meter/doc");
    println!("  $C get --from proxy meter/memory");
    println!(
        "  $C shell          (try: join {}, get meter/load server, status, quit)",
        group()
    );
    println!("  $O block $($C address) --rs meter");
    println!(
        "\nWhat an outsider sees (libcoap; outside Debian its program is called coap-client):"
    );
    let proxy = world.proxy_address;
    println!("  coap-client-notls -m get coap://{proxy}/.well-known/core");
    println!("  coap-client-notls -m get coap://{proxy}/meter/doc | xxd");
    if let Ok(address) = world.resource_server.address("coap") {
        println!("  coap-client-notls -m get -T 12345678 coap://{address}/load | xxd");
    }
    if let Ok(address) = world.key_server.address("coap") {
        println!("  coap-client-notls -m get coap://{address}/.well-known/core");
    }
    if let Ok(rpc) = world.ledger.address("rpc") {
        println!(
            "  curl -s -H 'content-type: application/json' -d \
             '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\"}}' {rpc}"
        );
    }
    println!("\nLogs: {}/*.log", directory.display());
}
