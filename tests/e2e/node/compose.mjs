// Composes subgraphs: `compose.mjs COMPOSER NAME=URL=FILE...` prints what comes of it as JSON.
import { readFileSync } from 'node:fs';
import { composeServices as composeWithApollo } from '@apollo/composition';
import internals from '@apollo/federation-internals';
import { composeServices as composeWithHive } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { parse, print, printSchema } from 'graphql';

const [composer, ...given] = process.argv.slice(2);
const subgraphs = given.map((text) => {
  const [name, url, file] = text.split('=');
  return { name, url, typeDefs: parse(readFileSync(file, 'utf8')) };
});

function composeWith(compose) {
  const { errors = [], hints = [], supergraphSdl } = compose(subgraphs);
  return { errors, hints: hints.map(String), supergraph: supergraphSdl, api: supergraphSdl && apiOf(supergraphSdl) };
}

function apiOf(supergraph) {
  const supportedFeatures = internals.ROUTER_SUPPORTED_SUPERGRAPH_FEATURES;
  return printSchema(internals.Supergraph.build(supergraph, { supportedFeatures }).apiSchema().toGraphQLJSSchema());
}

const COMPOSERS = {
  apollo: () => composeWith(composeWithApollo),
  hive: () => composeWith(composeWithHive),
  wundergraph() {
    const named = subgraphs.map(({ typeDefs, ...rest }) => ({ ...rest, definitions: typeDefs }));
    const result = federateSubgraphs({ subgraphs: named, version: '1' });
    const hints = result.warnings.map((it) => it.message);
    if (!result.success) return { errors: result.errors, hints };
    const [supergraph, api] = [print(result.federatedGraphAST), printSchema(result.federatedGraphClientSchema)];
    return { errors: [], hints, supergraph, api };
  },
};

const result = COMPOSERS[composer]();
process.stdout.write(JSON.stringify({ ...result, errors: result.errors.map((it) => it.message) }));
