"""Shows what is in an embedding file: python examples/read_embeddings.py emb.h5"""

import sys

import af3cli


def main(path: str) -> None:
    with af3cli.open_embeddings(path) as file:
        print(f"{path}: {len(file)} {'entry' if len(file) == 1 else 'entries'}")
        for name, value in file.attributes.items():
            print(f"  {name}: {value}")
        for entry in file.values():
            print(f"\n{entry.name}: seed {entry.seed}, {entry.num_tokens} tokens")
            for name in entry.attributes["include"]:
                array = getattr(entry, name)
                print(f"  {name}: {array.dtype} {array.shape}")
            for chain in dict.fromkeys(entry.tokens["chain_id"]):
                rows = entry.rows(chain=chain)
                first = entry.tokens[rows[0]]
                print(
                    f"  chain {chain}: rows {rows[0]} to {rows[-1]}, {first['molecule_type']}, "
                    f"first residue {first['residue_name']}"
                )


if __name__ == "__main__":
    main(sys.argv[1])
