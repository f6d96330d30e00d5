import { MemoryStore } from '../../src/store/memory-store.js'
import { describeChunkStore } from '../contract/chunk-store-contract.js'

describeChunkStore('MemoryStore', { open: async () => new MemoryStore() })
