//! How to talk to the running roles by hand.

use std::path::Path;

use super::world::{World, group};

/// Prints the commands, ready to paste.
pub(super) fn explain(world: &World, directory: &Path) {
    let at = |name: &str| directory.join(name).display().to_string();
    println!("\nThe roles go on until Ctrl-C. They were started with:");
    for role in [
        &world.ledger,
        &world.key_server,
        &world.proxy,
        &world.resource_server,
    ] {
        println!("  {}", role.command_line());
    }
    let client = format!(
        "iotchain client --data {} --catalogue {}",
        at("dave"),
        at("owner/catalogue.json")
    );
    println!("\nA client of your own:");
    println!("  {client} address");
    println!(
        "  iotchain owner --data {} issue ADDRESS --rs meter --class 0007 --roles get --ttl 3600",
        at("owner")
    );
    println!("  {client} get meter/doc");
    println!("  {client} get --from proxy meter/doc");
    println!(
        "  {client} shell          (try: join {}, get meter/load server, status, quit)",
        group()
    );
    println!(
        "  iotchain owner --data {} block ADDRESS --rs meter",
        at("owner")
    );
    println!("\nWhat an outsider sees (coap-client of libcoap):");
    println!(
        "  coap-client -m get coap://{}/.well-known/core",
        world.proxy_address
    );
    println!(
        "  coap-client -m get coap://{}/meter/doc | xxd",
        world.proxy_address
    );
    if let Ok(address) = world.resource_server.address("coap") {
        println!("  coap-client -m get -T 12345678 coap://{address}/load | xxd");
    }
    if let (Ok(address), Ok(rpc)) = (
        world.key_server.address("coap"),
        world.ledger.address("rpc"),
    ) {
        println!("  coap-client -m get coap://{address}/.well-known/core");
        println!(
            "  curl -s -H 'content-type: application/json' -d \
             '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\"}}' {rpc}"
        );
    }
    println!("\nLogs: {}/*.log", directory.display());
}
