"""Walks the catalogue with pystac-client and prints what it saw as JSON. Arguments: URL of the API, token."""

import json
import sys

from pystac import Item
from pystac_client import Client

url, token = sys.argv[1:]
client = Client.open(url, headers={"Authorization": f"Bearer {token}"})
seen = {
    "title": client.title,
    "conforms": [name for name in ("COLLECTIONS", "ITEM_SEARCH", "FEATURES", "SORT") if client.conforms_to(name)],
    "collections": {},
    "self": 0,
    "derived": [],
}
for collection in client.get_collections():
    items = list(collection.get_items())
    seen["collections"][collection.id] = sorted(item.id for item in items)
    for item in items:
        again = client._stac_io.read_stac_object(item.get_self_href(), root=client)
        assert isinstance(again, Item) and again.id == item.id and again.properties == item.properties, item.id
        assert {key: asset.to_dict() for key, asset in again.assets.items()} == {
            key: asset.to_dict() for key, asset in item.assets.items()
        }, item.id
        assert item.get_collection().id == collection.id
        assert item.geometry is None and item.bbox is None and item.datetime is not None
        seen["self"] += 1
        for link in item.get_links("derived_from"):
            source = client._stac_io.read_stac_object(link.get_absolute_href(), root=client)
            seen["derived"].append([item.id, source.id])

# Pages of two, by GET and by POST: everything once, in the order asked for.
for method in ("GET", "POST"):
    search = client.search(method=method, limit=2, max_items=100, sortby="+properties.datetime")
    found = list(search.items())
    assert search.matched() == len(found) == seen["self"], (search.matched(), len(found))
    assert [item.datetime for item in found] == sorted(item.datetime for item in found)
one = seen["collections"]["ai-model"][0]
seen["by_id"] = [item.id for item in client.search(ids=[one]).items()]
seen["nowhere"] = len(list(client.search(bbox=[-180, -90, 180, 90]).items()))
seen["before"] = len(list(client.search(datetime="../2020-01-01T00:00:00Z").items()))
print(json.dumps(seen))
