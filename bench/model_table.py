#!/usr/bin/env python3
"""A table of well-known models: what hap-model says about each config.json.

    python3 bench/model_table.py [--bin DIR] [--presets FILE] [--transformers] [FOLDER ...]

Prints the rows of the table in docs/models.md. Only descriptions are read, no weights: a model
"runs" if nothing in its config.json is refused. Sources of descriptions:

FOLDER          every FOLDER/NAME.json or FOLDER/NAME/config.json
--presets FILE  model_preset.py of MLC LLM, a table of config.json's of published models
--transformers  the defaults of configuration classes, which are those of a published model;
                needs transformers 4.57.1
"""
import argparse
import ast
import json
import pathlib
import re
import subprocess
import tempfile

# class: the model that its documentation names
DEFAULTS = {
    "GPTNeoXConfig": "GPT-NeoX 20B", "GPTNeoConfig": "GPT-Neo 1.3B", "GPTJConfig": "GPT-J 6B",
    "OPTConfig": "OPT 350M", "BloomConfig": "BLOOM", "FalconConfig": "Falcon 7B",
    "MptConfig": "MPT 7B", "GPTBigCodeConfig": "GPT-BigCode", "Starcoder2Config": "StarCoder2 7B",
    "PhiConfig": "Phi-1", "Phi3Config": "Phi-3 mini", "GraniteConfig": "Granite 3.3 2B",
    "CohereConfig": "Command R", "SmolLM3Config": "SmolLM3 3B", "Olmo3Config": "OLMo 3 7B",
    "OlmoeConfig": "OLMoE 1B-7B", "Qwen3MoeConfig": "Qwen3 15B-A2B", "GptOssConfig": "gpt-oss 120b",
    "MixtralConfig": "Mixtral 8x7B", "Gemma3TextConfig": "Gemma 3 text", "OlmoConfig": "OLMo 7B",
    "Cohere2Config": "Command R7B", "DeepseekV3Config": "DeepSeek V3", "MambaConfig": "Mamba 2.8B",
    "GraniteMoeConfig": "Granite 3 MoE", "Llama4TextConfig": "Llama 4 text",
    "NemotronConfig": "Nemotron", "PersimmonConfig": "Persimmon 8B", "XGLMConfig": "XGLM",
    "CodeGenConfig": "CodeGen 2B",
}


def presets(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            for name, config in ast.literal_eval(node.value).items():
                if isinstance(config, dict) and "model_type" in config:
                    yield name, config
            return


def defaults():
    import transformers
    for cls, name in DEFAULTS.items():
        config = getattr(transformers, cls)()
        yield f"{name} ({cls})", dict(config.to_dict(), model_type=config.model_type)


def folders(paths):
    for path in paths:
        for file in sorted([*path.glob("*.json"), *path.glob("*/config.json")]):
            name = file.parent.name if file.name == "config.json" else file.stem
            yield name, json.loads(file.read_text())


def verdict(program, config):
    """What hap-model says: "runs", or why not."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config))
        said = subprocess.run([program, folder], capture_output=True, text=True).stderr.strip()
        said = said.replace(folder, "MODEL").splitlines()[0]
    if "it has no model.safetensors" in said:
        return "runs", ""
    why = re.sub(r"^hap-model: cannot (use|read)( model)? 'MODEL'?: ", "", said)
    return "refused", re.sub(r" \(families: .*", "", why)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="bin")
    parser.add_argument("--presets", type=pathlib.Path)
    parser.add_argument("--transformers", action="store_true")
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    models = list(folders(options.folders))
    if options.presets:
        models += presets(options.presets)
    if options.transformers:
        models += defaults()
    counts = {"runs": 0, "refused": 0}
    print("| model | `model_type` | | why |\n| --- | --- | --- | --- |")
    for name, config in models:
        what, why = verdict(options.bin + "/hap-model", config)
        counts[what] += 1
        print(f"| {name} | `{config.get('model_type')}` | {what} | {why.replace('|', '/')} |")
    print(f"\n{counts['runs']} run, {counts['refused']} are refused.")


if __name__ == "__main__":
    main()
